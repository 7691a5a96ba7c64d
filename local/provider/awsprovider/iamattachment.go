package awsprovider

import (
	"context"
	"crypto/rand"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"webstack/local/provider"
)

func (c *clients) rolePolicyAttachment() provider.Type {
	return provider.Type{
		DeleteBeforeReplace: true,
		Props: map[string]provider.Prop{
			"role":      {Required: true, Replace: true},
			"policyArn": {Required: true, Replace: true, Check: checkARN},
		},
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			_, err := c.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
				RoleName: optional(in, "role"), PolicyArn: optional(in, "policyArn"),
			})
			if err != nil {
				return "", err
			}
			return in.Str("role") + "-" + rand.Text(), nil // opaque, as the real provider's
		},
		Read: c.readAttachment,
		Delete: func(ctx context.Context, _ string, state provider.Values) error {
			_, err := c.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{
				RoleName: optional(state, "role"), PolicyArn: optional(state, "policyArn"),
			})
			return unlessGone(err, noSuchEntity)
		},
		Import: func(_ context.Context, id string) (string, provider.Values, error) {
			role, arn, err := cutID(id, "/")
			return role + "-" + arn, provider.Values{"role": role, "policyArn": arn}, err
		},
	}
}

func (c *clients) readAttachment(ctx context.Context, _ string, known provider.Values) (provider.Values, error) {
	role, arn := known.Str("role"), known.Str("policyArn")
	pages := iam.NewListAttachedRolePoliciesPaginator(c.iam, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, gone(err, noSuchEntity)
		}
		for _, policy := range page.AttachedPolicies {
			if aws.ToString(policy.PolicyArn) == arn {
				return provider.Values{"role": role, "policyArn": arn}, nil
			}
		}
	}
	return nil, provider.ErrGone
}
