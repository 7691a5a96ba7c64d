package awsprovider

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"webstack/local/provider"
)

func (c *clients) instanceProfile() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"role":       {},
			"name":       {Computed: true, Replace: true, Check: checkIAMName(128)},
			"arn":        {Output: true},
			"createDate": {Output: true},
			"uniqueId":   {Output: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			out, err := c.iam.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{
				InstanceProfileName: optional(in, "name"), Tags: iamTags(in),
			})
			if err != nil {
				return "", err
			}
			id := aws.ToString(out.InstanceProfile.InstanceProfileName)
			return id, c.setProfileRole(ctx, id, "", in.Str("role"))
		},
		Read:   c.readInstanceProfile,
		Update: c.updateInstanceProfile,
		Delete: func(ctx context.Context, id string, state provider.Values) error {
			if err := c.setProfileRole(ctx, id, state.Str("role"), ""); err != nil {
				return err
			}
			_, err := c.iam.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &id})
			return unlessGone(err, noSuchEntity)
		},
	}
}

// setProfileRole replaces the old role of a profile with the new one; "" is none.
func (c *clients) setProfileRole(ctx context.Context, id, old, news string) error {
	if old != "" {
		_, err := c.iam.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
			InstanceProfileName: &id, RoleName: &old,
		})
		if err := unlessGone(err, noSuchEntity); err != nil {
			return err
		}
	}
	if news == "" {
		return nil
	}
	return retrying(ctx, dependencyPatience, func() error {
		_, err := c.iam.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
			InstanceProfileName: &id, RoleName: &news,
		})
		return err
	}, noSuchEntity)
}

func (c *clients) updateInstanceProfile(ctx context.Context, change provider.Change) error {
	if change.Changed("role") {
		live, err := c.readInstanceProfile(ctx, change.ID, nil)
		if err != nil {
			return err
		}
		if role, _ := live["role"].(*string); aws.ToString(role) != change.New.Str("role") {
			if err := c.setProfileRole(ctx, change.ID, aws.ToString(role), change.New.Str("role")); err != nil {
				return err
			}
		}
	}
	return retagged(change, iamTags,
		func(removed []string) error {
			_, err := c.iam.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{
				InstanceProfileName: &change.ID, TagKeys: removed,
			})
			return err
		},
		func(tags []types.Tag) error {
			_, err := c.iam.TagInstanceProfile(ctx, &iam.TagInstanceProfileInput{InstanceProfileName: &change.ID, Tags: tags})
			return err
		})
}

func (c *clients) readInstanceProfile(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	found, err := c.iam.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &id})
	if err != nil {
		return nil, gone(err, noSuchEntity)
	}
	profile := found.InstanceProfile
	out := provider.Values{
		"name": profile.InstanceProfileName, "path": profile.Path, "arn": profile.Arn,
		"uniqueId": profile.InstanceProfileId, "createDate": aws.ToTime(profile.CreateDate).Format(time.RFC3339),
		"tags": fromIAMTags(profile.Tags),
	}
	if role, err := first(profile.Roles); err == nil {
		out["role"] = role.RoleName
	}
	return out, nil
}
