package awsprovider

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"webstack/local/provider"
)

// noSuchEntity is IAM's code for what does not exist.
const noSuchEntity = "NoSuchEntity"

// checkIAMName returns a check of the names that IAM takes.
func checkIAMName(most int) func(any) string {
	return checkAll(checkLength(most), checkPattern(`[\w+=,.@-]+`, "must be letters, digits and _+=,.@-"))
}

func (c *clients) role() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 64},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"assumeRolePolicy": {Required: true, Equal: provider.SamePolicy, Check: checkPolicy},
			"name":             {Computed: true, Replace: true, Check: checkIAMName(64)},
			"description":      {Check: checkLength(1000)},
			"arn":              {Output: true},
			"createDate":       {Output: true},
			"uniqueId":         {Output: true},
		}),
		Create: c.createRole,
		Read:   c.readRole,
		Update: c.updateRole,
		Delete: c.deleteRole,
	}
}

func (c *clients) createRole(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: optional(in, "name"), AssumeRolePolicyDocument: optional(in, "assumeRolePolicy"),
		Description: optional(in, "description"), Tags: iamTags(in),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Role.RoleName), nil
}

func (c *clients) readRole(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	found, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &id})
	if err != nil {
		return nil, gone(err, noSuchEntity)
	}
	role := found.Role
	policy, err := url.QueryUnescape(aws.ToString(role.AssumeRolePolicyDocument))
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"assumeRolePolicy": policy, "name": role.RoleName, "arn": role.Arn, "uniqueId": role.RoleId, "createDate": aws.ToTime(role.CreateDate).Format(time.RFC3339),
		"tags": fromIAMTags(role.Tags),
	}
	if aws.ToString(role.Description) != "" {
		out["description"] = role.Description
	}
	return out, nil
}

func (c *clients) updateRole(ctx context.Context, change provider.Change) error {
	if change.Changed("assumeRolePolicy") {
		_, err := c.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
			RoleName: &change.ID, PolicyDocument: optional(change.New, "assumeRolePolicy"),
		})
		if err != nil {
			return err
		}
	}
	if change.Changed("description") {
		_, err := c.iam.UpdateRole(ctx, &iam.UpdateRoleInput{
			RoleName: &change.ID, Description: aws.String(change.New.Str("description")),
		})
		if err != nil {
			return err
		}
	}
	return retagged(change, iamTags,
		func(removed []string) error {
			_, err := c.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &change.ID, TagKeys: removed})
			return err
		},
		func(tags []types.Tag) error {
			_, err := c.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: &change.ID, Tags: tags})
			return err
		})
}

// deleteRole first removes the role from instance profiles.
func (c *clients) deleteRole(ctx context.Context, id string, _ provider.Values) error {
	profiles, err := c.iam.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: &id})
	if err != nil {
		return unlessGone(err, noSuchEntity)
	}
	for _, profile := range profiles.InstanceProfiles {
		_, err := c.iam.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
			RoleName: &id, InstanceProfileName: profile.InstanceProfileName,
		})
		if err := unlessGone(err, noSuchEntity); err != nil {
			return err
		}
	}
	err = retrying(ctx, dependencyPatience, func() error {
		_, err := c.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &id})
		return err
	}, "DeleteConflict")
	return unlessGone(err, noSuchEntity)
}

// iamTags turns all tags into what IAM's calls take.
func iamTags(in provider.Values) []types.Tag {
	tags := in.StrMap("tagsAll")
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

// fromIAMTags is the inverse of iamTags.
func fromIAMTags(tags []types.Tag) map[string]string {
	out := map[string]string{}
	for _, tag := range tags {
		out[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return out
}
