package pulumitest

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// OnAWS is a program that builds a component under each of the names, with an explicit AWS provider.
func OnAWS(
	build func(ctx *pulumi.Context, name string, aws pulumi.ResourceOption) error, names ...string,
) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{Region: pulumi.StringPtr(Region)})
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := build(ctx, name, pulumi.Provider(provider)); err != nil {
				return err
			}
		}
		return nil
	}
}
