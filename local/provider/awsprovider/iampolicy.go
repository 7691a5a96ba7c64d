package awsprovider

import (
	"context"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"webstack/local/provider"
)

// maxPolicyVersions is IAM's limit of versions of one policy.
const maxPolicyVersions = 5

func (c *clients) policy() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"policy":          {Required: true, Equal: provider.SamePolicy, Check: checkPolicy},
			"name":            {Computed: true, Replace: true, Check: checkIAMName(128)},
			"description":     {Replace: true},
			"arn":             {Output: true},
			"policyId":        {Output: true},
			"attachmentCount": {Output: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			out, err := c.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{
				PolicyName: optional(in, "name"), PolicyDocument: optional(in, "policy"),
				Description: optional(in, "description"), Tags: iamTags(in),
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.Policy.Arn), nil
		},
		Read:   c.readPolicy,
		Update: c.updatePolicy,
		Delete: c.deletePolicy,
	}
}

func (c *clients) readPolicy(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	found, err := c.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &id})
	if err != nil {
		return nil, gone(err, noSuchEntity)
	}
	policy := found.Policy
	version, err := c.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{
		PolicyArn: &id, VersionId: policy.DefaultVersionId,
	})
	if err != nil {
		return nil, gone(err, noSuchEntity)
	}
	text, err := url.QueryUnescape(aws.ToString(version.PolicyVersion.Document))
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"policy": text, "name": policy.PolicyName, "path": policy.Path, "arn": policy.Arn, "policyId": policy.PolicyId,
		"attachmentCount": policy.AttachmentCount, "tags": fromIAMTags(policy.Tags),
	}
	if aws.ToString(policy.Description) != "" {
		out["description"] = policy.Description
	}
	return out, nil
}

func (c *clients) updatePolicy(ctx context.Context, change provider.Change) error {
	if change.Changed("policy") {
		if err := c.newPolicyVersion(ctx, change); err != nil {
			return err
		}
	}
	return retagged(change, iamTags,
		func(removed []string) error {
			_, err := c.iam.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: &change.ID, TagKeys: removed})
			return err
		},
		func(tags []types.Tag) error {
			_, err := c.iam.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &change.ID, Tags: tags})
			return err
		})
}

// newPolicyVersion creates a version, and deletes an old one if there are too many.
func (c *clients) newPolicyVersion(ctx context.Context, change provider.Change) error {
	versions, err := c.olderVersions(ctx, change.ID)
	if err != nil {
		return err
	}
	if len(versions) >= maxPolicyVersions-1 {
		_, err := c.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{
			PolicyArn: &change.ID, VersionId: versions[0].VersionId,
		})
		if err != nil {
			return err
		}
	}
	_, err = c.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
		PolicyArn: &change.ID, PolicyDocument: optional(change.New, "policy"), SetAsDefault: true,
	})
	return err
}

// olderVersions returns the versions that are not the one in force, the oldest first.
func (c *clients) olderVersions(ctx context.Context, id string) ([]types.PolicyVersion, error) {
	found, err := c.iam.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: &id})
	if err != nil {
		return nil, err
	}
	older := slices.DeleteFunc(found.Versions, func(v types.PolicyVersion) bool { return v.IsDefaultVersion })
	slices.SortFunc(older, func(a, b types.PolicyVersion) int {
		return aws.ToTime(a.CreateDate).Compare(aws.ToTime(b.CreateDate))
	})
	return older, nil
}

func (c *clients) deletePolicy(ctx context.Context, id string, _ provider.Values) error {
	versions, err := c.olderVersions(ctx, id)
	if err != nil {
		return unlessGone(err, noSuchEntity)
	}
	for _, version := range versions {
		_, err := c.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &id, VersionId: version.VersionId})
		if err != nil {
			return err
		}
	}
	_, err = c.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &id})
	return unlessGone(err, noSuchEntity)
}
