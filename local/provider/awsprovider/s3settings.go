package awsprovider

import (
	"context"
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"webstack/local/provider"
)

// bucketSetting describes a setting of a bucket that is a resource of its own: written whole by put, and identified by
// the bucket's name.
func bucketSetting(
	props map[string]provider.Prop, put func(context.Context, provider.Values) error,
	read func(context.Context, string, provider.Values) (provider.Values, error),
	remove func(context.Context, string, provider.Values) error,
) provider.Type {
	all := maps.Clone(props)
	all["bucket"] = provider.Prop{Required: true, Replace: true, Check: checkLength(63)}
	return provider.Type{
		Props: all,
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			if err := put(ctx, in); err != nil {
				return "", err
			}
			return in.Str("bucket"), nil
		},
		Read: func(ctx context.Context, id string, known provider.Values) (provider.Values, error) {
			out, err := read(ctx, id, known)
			if err != nil {
				return nil, gone(err, noBucket...)
			}
			out["bucket"] = id
			return out, nil
		},
		Update: func(ctx context.Context, change provider.Change) error { return put(ctx, change.New) },
		Delete: func(ctx context.Context, id string, state provider.Values) error {
			return unlessGone(remove(ctx, id, state), noBucket...)
		},
	}
}

func (c *clients) bucketVersioning() provider.Type {
	put := func(ctx context.Context, bucket, status string) error {
		_, err := c.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket:                  &bucket,
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(status)},
		})
		return err
	}
	setting := bucketSetting(
		map[string]provider.Prop{"versioningConfiguration": {Required: true, Fields: map[string]provider.Prop{
			"status": {Required: true, Check: checkOneOf("Enabled", "Suspended", "Disabled")},
		}}},
		func(ctx context.Context, in provider.Values) error {
			status := in.Object("versioningConfiguration").Str("status")
			if status == "Disabled" {
				return nil // the state of a new bucket; S3 cannot return to it
			}
			return put(ctx, in.Str("bucket"), status)
		},
		func(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
			found, err := c.s3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			status := string(found.Status)
			if status == "" {
				status = "Disabled"
			}
			return provider.Values{"versioningConfiguration": provider.Values{"status": status}}, nil
		},
		func(ctx context.Context, id string, state provider.Values) error {
			if state.Object("versioningConfiguration").Str("status") == "Disabled" {
				return nil
			}
			return put(ctx, id, "Suspended")
		})
	setting.Update = func(ctx context.Context, change provider.Change) error {
		status := change.New.Object("versioningConfiguration").Str("status")
		if status == "Disabled" {
			return errors.New("turn off versioning: S3 cannot do that; set its status to Suspended")
		}
		return put(ctx, change.ID, status)
	}
	return setting
}

func (c *clients) bucketEncryption() provider.Type {
	return bucketSetting(
		map[string]provider.Prop{"rules": {Required: true, Set: true, Fields: map[string]provider.Prop{
			"applyServerSideEncryptionByDefault": {Fields: map[string]provider.Prop{
				"sseAlgorithm": {Required: true, Check: checkOneOf("AES256", "aws:kms", "aws:kms:dsse")},
			}},
		}}},
		func(ctx context.Context, in provider.Values) error {
			var rules []types.ServerSideEncryptionRule
			for _, rule := range in.Objects("rules") {
				chosen := rule.Object("applyServerSideEncryptionByDefault")
				rules = append(rules, types.ServerSideEncryptionRule{
					ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
						SSEAlgorithm: types.ServerSideEncryption(chosen.Str("sseAlgorithm")),
					},
				})
			}
			_, err := c.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
				Bucket:                            optional(in, "bucket"),
				ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: rules},
			})
			return err
		},
		c.readBucketEncryption,
		func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.s3.DeleteBucketEncryption(ctx, &s3.DeleteBucketEncryptionInput{Bucket: &id})
			return err
		})
}

func (c *clients) readBucketEncryption(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	found, err := c.s3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &id})
	if err != nil {
		return nil, gone(err, "ServerSideEncryptionConfigurationNotFoundError")
	}
	rules := []provider.Values{}
	for _, rule := range found.ServerSideEncryptionConfiguration.Rules {
		chosen := provider.Values{"sseAlgorithm": rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm}
		rules = append(rules, provider.Values{"applyServerSideEncryptionByDefault": chosen})
	}
	return provider.Values{"rules": rules}, nil
}

func (c *clients) bucketPublicAccessBlock() provider.Type {
	return bucketSetting(
		map[string]provider.Prop{
			"blockPublicAcls": {Default: false}, "blockPublicPolicy": {Default: false},
			"ignorePublicAcls": {Default: false}, "restrictPublicBuckets": {Default: false},
		},
		func(ctx context.Context, in provider.Values) error {
			_, err := c.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
				Bucket: optional(in, "bucket"),
				PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
					BlockPublicAcls: optionalBool(in, "blockPublicAcls"), BlockPublicPolicy: optionalBool(in, "blockPublicPolicy"),
					IgnorePublicAcls:      optionalBool(in, "ignorePublicAcls"),
					RestrictPublicBuckets: optionalBool(in, "restrictPublicBuckets"),
				},
			})
			return err
		},
		func(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
			found, err := c.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &id})
			if err != nil {
				return nil, gone(err, "NoSuchPublicAccessBlockConfiguration")
			}
			set := found.PublicAccessBlockConfiguration
			return provider.Values{
				"blockPublicAcls": aws.ToBool(set.BlockPublicAcls), "blockPublicPolicy": aws.ToBool(set.BlockPublicPolicy),
				"ignorePublicAcls":      aws.ToBool(set.IgnorePublicAcls),
				"restrictPublicBuckets": aws.ToBool(set.RestrictPublicBuckets),
			}, nil
		},
		func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.s3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &id})
			return err
		})
}

func (c *clients) bucketOwnershipControls() provider.Type {
	owners := checkOneOf("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced")
	return bucketSetting(
		map[string]provider.Prop{"rule": {Required: true, Fields: map[string]provider.Prop{
			"objectOwnership": {Required: true, Check: owners},
		}}},
		func(ctx context.Context, in provider.Values) error {
			_, err := c.s3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
				Bucket: optional(in, "bucket"), OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{
					{ObjectOwnership: types.ObjectOwnership(in.Object("rule").Str("objectOwnership"))},
				}},
			})
			return err
		},
		func(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
			found, err := c.s3.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &id})
			if err != nil {
				return nil, gone(err, "OwnershipControlsNotFoundError")
			}
			rule, err := first(found.OwnershipControls.Rules)
			return provider.Values{"rule": provider.Values{"objectOwnership": rule.ObjectOwnership}}, err
		},
		func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.s3.DeleteBucketOwnershipControls(ctx, &s3.DeleteBucketOwnershipControlsInput{Bucket: &id})
			return unlessGone(err, "OwnershipControlsNotFoundError")
		})
}

func (c *clients) bucketPolicy() provider.Type {
	return bucketSetting(
		map[string]provider.Prop{"policy": {Required: true, Equal: provider.SamePolicy, Check: checkJSON}},
		func(ctx context.Context, in provider.Values) error {
			_, err := c.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
				Bucket: optional(in, "bucket"), Policy: optional(in, "policy"),
			})
			return err
		},
		func(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
			found, err := c.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &id})
			if err != nil {
				return nil, gone(err, "NoSuchBucketPolicy")
			}
			return provider.Values{"policy": found.Policy}, nil
		},
		func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &id})
			return unlessGone(err, "NoSuchBucketPolicy")
		})
}
