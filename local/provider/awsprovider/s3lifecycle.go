package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"webstack/local/provider"
)

// lifecycleRule describes the supported parts of a rule.
var lifecycleRule = map[string]provider.Prop{
	"id":                             {Required: true, Check: checkLength(255)},
	"status":                         {Required: true, Check: checkOneOf("Enabled", "Disabled")},
	"filter":                         {Fields: map[string]provider.Prop{"prefix": {}}},
	"expiration":                     {Fields: map[string]provider.Prop{"days": {}}},
	"noncurrentVersionExpiration":    {Fields: map[string]provider.Prop{"noncurrentDays": {Required: true}}},
	"abortIncompleteMultipartUpload": {Fields: map[string]provider.Prop{"daysAfterInitiation": {}}},
}

func (c *clients) bucketLifecycle() provider.Type {
	return bucketSetting(
		map[string]provider.Prop{"rules": {Required: true, Fields: lifecycleRule}},
		func(ctx context.Context, in provider.Values) error {
			var rules []types.LifecycleRule
			for _, rule := range in.Objects("rules") {
				rules = append(rules, toLifecycleRule(rule))
			}
			_, err := c.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
				Bucket: optional(in, "bucket"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules},
			})
			return err
		},
		func(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
			found, err := c.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &id})
			if err != nil {
				return nil, gone(err, "NoSuchLifecycleConfiguration")
			}
			rules := []provider.Values{}
			for _, rule := range found.Rules {
				rules = append(rules, fromLifecycleRule(rule))
			}
			return provider.Values{"rules": rules}, nil
		},
		func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.s3.DeleteBucketLifecycle(ctx, &s3.DeleteBucketLifecycleInput{Bucket: &id})
			return err
		})
}

func toLifecycleRule(in provider.Values) types.LifecycleRule {
	out := types.LifecycleRule{
		ID: optional(in, "id"), Status: types.ExpirationStatus(in.Str("status")),
		Filter: &types.LifecycleRuleFilter{Prefix: aws.String(in.Object("filter").Str("prefix"))},
	}
	if expiration := in.Object("expiration"); expiration != nil {
		out.Expiration = &types.LifecycleExpiration{Days: optionalInt(expiration, "days")}
	}
	if old := in.Object("noncurrentVersionExpiration"); old != nil {
		out.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{
			NoncurrentDays: optionalInt(old, "noncurrentDays"),
		}
	}
	if abort := in.Object("abortIncompleteMultipartUpload"); abort != nil {
		out.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{
			DaysAfterInitiation: optionalInt(abort, "daysAfterInitiation"),
		}
	}
	return out
}

// fromLifecycleRule omits what the API sends although nobody set it.
func fromLifecycleRule(rule types.LifecycleRule) provider.Values {
	out := provider.Values{"id": rule.ID, "status": rule.Status}
	if rule.Filter != nil && rule.Filter.Prefix != nil {
		out["filter"] = provider.Values{"prefix": rule.Filter.Prefix}
	}
	if e := rule.Expiration; e != nil {
		expiration := provider.Values{}
		if aws.ToInt32(e.Days) != 0 {
			expiration["days"] = e.Days
		}
		out["expiration"] = expiration
	}
	if n := rule.NoncurrentVersionExpiration; n != nil {
		out["noncurrentVersionExpiration"] = provider.Values{"noncurrentDays": n.NoncurrentDays}
	}
	if a := rule.AbortIncompleteMultipartUpload; a != nil {
		out["abortIncompleteMultipartUpload"] = provider.Values{"daysAfterInitiation": a.DaysAfterInitiation}
	}
	return out
}
