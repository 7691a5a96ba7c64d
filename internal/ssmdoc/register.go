package ssmdoc

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
)

// targetType says that the documents are for EC2 instances.
const targetType = "/AWS::EC2::Instance"

// Register registers the document under a resource name and under its own name.
func (d Document) Register(
	ctx *pulumi.Context, name, document string, opts ...pulumi.ResourceOption,
) (*ssm.Document, error) {
	if err := d.check(document); err != nil {
		return nil, err
	}
	registered, err := ssm.NewDocument(ctx, name, &ssm.DocumentArgs{
		Name:           pulumi.String(document),
		DocumentType:   pulumi.String("Command"),
		DocumentFormat: pulumi.String("JSON"),
		TargetType:     pulumi.String(targetType),
		Content:        d.render(),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("register the document %s: %w", document, err)
	}
	return registered, nil
}

// Target finds the stack's host by its tag, so that a new host is found without a change of the association.
func Target(project, stack string) ssm.AssociationTargetArray {
	return ssm.AssociationTargetArray{&ssm.AssociationTargetArgs{
		Key:    pulumi.String("tag:" + contract.TagStack),
		Values: pulumi.ToStringArray([]string{contract.StackTagValue(project, stack)}),
	}}
}
