// Package closedbucket sets an S3 bucket up as every bucket of a stack is: closed to the public and to requests without
// TLS, owned by the account alone, encrypted, and versioned.
package closedbucket

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/iampolicy"
)

// MaxName leaves room for the eight characters that Pulumi adds to a bucket's name, which has at most 63.
const MaxName = 63 - 8

// Close registers the bucket's settings under one resource name and returns them, so that what is put into the bucket
// can wait for them. The bucket's policy has the given statements beside that about TLS.
func Close(
	ctx *pulumi.Context, name string, bucket *s3.BucketV2, statements []iampolicy.Statement, opts ...pulumi.ResourceOption,
) ([]pulumi.Resource, error) {
	block, err := s3.NewBucketPublicAccessBlock(ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.Bucket,
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("register the public access block of %s: %w", name, err)
	}
	// After the block: S3 refuses two changes of a bucket's access at once.
	after := append([]pulumi.ResourceOption{pulumi.DependsOn([]pulumi.Resource{block})}, opts...)
	ownership, err := s3.NewBucketOwnershipControls(ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.Bucket,
		Rule:   s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, after...)
	if err != nil {
		return nil, fmt.Errorf("register the ownership of %s: %w", name, err)
	}
	statements = append([]iampolicy.Statement{iampolicy.TLSOnly(bucket.Arn, pulumi.Sprintf("%s/*", bucket.Arn))}, statements...)
	policy, err := s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		Bucket: bucket.Bucket, Policy: iampolicy.Document(statements...),
	}, after...)
	if err != nil {
		return nil, fmt.Errorf("register the policy of %s: %w", name, err)
	}
	encryption, err := encrypt(ctx, name, bucket, opts...)
	if err != nil {
		return nil, fmt.Errorf("register the encryption of %s: %w", name, err)
	}
	versions, err := s3.NewBucketVersioningV2(ctx, name, &s3.BucketVersioningV2Args{
		Bucket: bucket.Bucket,
		VersioningConfiguration: s3.BucketVersioningV2VersioningConfigurationArgs{
			Status: pulumi.String("Enabled"),
		},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("register the versions of %s: %w", name, err)
	}
	return []pulumi.Resource{block, ownership, policy, encryption, versions}, nil
}

func encrypt(
	ctx *pulumi.Context, name string, bucket *s3.BucketV2, opts ...pulumi.ResourceOption,
) (pulumi.Resource, error) {
	type (
		args  = s3.BucketServerSideEncryptionConfigurationV2Args
		rules = s3.BucketServerSideEncryptionConfigurationV2RuleArray
		rule  = s3.BucketServerSideEncryptionConfigurationV2RuleArgs
		way   = s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs
	)
	return s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name, &args{
		Bucket: bucket.Bucket,
		Rules:  rules{rule{ApplyServerSideEncryptionByDefault: way{SseAlgorithm: pulumi.String("AES256")}}},
	}, opts...)
}
