package awsprovider

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"webstack/local/provider"
)

func (c *clients) rolePolicy() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: map[string]provider.Prop{
			"role":   {Required: true, Replace: true, Check: checkIAMName(128)},
			"policy": {Required: true, Equal: provider.SamePolicy, Check: checkPolicy},
			"name":   {Computed: true, Replace: true, Check: checkIAMName(128)},
		},
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			if err := c.putRolePolicy(ctx, in); err != nil {
				return "", err
			}
			return in.Str("role") + ":" + in.Str("name"), nil
		},
		Read: c.readRolePolicy,
		Update: func(ctx context.Context, change provider.Change) error {
			return c.putRolePolicy(ctx, change.New)
		},
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			role, name, err := cutID(id, ":")
			if err != nil {
				return err
			}
			_, err = c.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &name})
			return unlessGone(err, noSuchEntity)
		},
	}
}

func (c *clients) putRolePolicy(ctx context.Context, in provider.Values) error {
	_, err := c.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: optional(in, "role"), PolicyName: optional(in, "name"), PolicyDocument: optional(in, "policy"),
	})
	return err
}

func (c *clients) readRolePolicy(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	role, name, err := cutID(id, ":")
	if err != nil {
		return nil, err
	}
	found, err := c.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
	if err != nil {
		return nil, gone(err, noSuchEntity)
	}
	policy, err := url.QueryUnescape(aws.ToString(found.PolicyDocument))
	return provider.Values{"role": role, "name": name, "policy": policy}, err
}

// cutID splits an id that consists of two.
func cutID(id, separator string) (before, after string, err error) {
	before, after, ok := strings.Cut(id, separator)
	if !ok {
		return "", "", fmt.Errorf("read id %q: it does not contain %q", id, separator)
	}
	return before, after, nil
}
