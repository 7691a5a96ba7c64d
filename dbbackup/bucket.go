package dbbackup

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/iampolicy"
	"webstack/naming"
)

const (
	// maxBucketBase leaves room for the eight characters that Pulumi adds: a bucket's name has at most 63.
	maxBucketBase = 63 - 8
	// replacedDays is how long a version stays that was deleted or replaced by somebody.
	replacedDays = 30
)

// makeBucket registers the bucket with all its settings. It is protected and retained: what is in it may be the only
// copy there is.
func (b *builder) makeBucket() error {
	args := &s3.BucketV2Args{ForceDestroy: pulumi.Bool(false)}
	if b.args.BucketName != "" {
		args.Bucket = pulumi.String(b.args.BucketName)
	}
	name := naming.Name(maxBucketBase, b.args.NamePrefix, "backups")
	bucket, err := s3.NewBucketV2(b.ctx, name, args, b.parent, pulumi.Protect(true), pulumi.RetainOnDelete(true))
	if err != nil {
		return fmt.Errorf("register the backup bucket: %w", err)
	}
	b.out.BucketName, b.out.BucketArn = bucket.Bucket, bucket.Arn
	for _, setting := range []struct {
		what string
		make func(*s3.BucketV2) error
	}{
		{"access", b.closeBucket},
		{"versions", b.versionBucket},
		{"encryption", b.encryptBucket},
		{"lifecycle", b.expireBackups},
	} {
		if err := setting.make(bucket); err != nil {
			return fmt.Errorf("register the %s of the backup bucket: %w", setting.what, err)
		}
	}
	return nil
}

// setting are the options of everything that is set on the bucket: when the bucket stays, its settings do, too.
func (b *builder) setting(after ...pulumi.Resource) []pulumi.ResourceOption {
	return []pulumi.ResourceOption{b.parent, pulumi.RetainOnDelete(true), pulumi.DependsOn(after)}
}

// closeBucket keeps the public and requests without TLS out.
func (b *builder) closeBucket(bucket *s3.BucketV2) error {
	block, err := s3.NewBucketPublicAccessBlock(b.ctx, b.name+"-backups", &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.Bucket,
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, b.setting()...)
	if err != nil {
		return err
	}
	_, err = s3.NewBucketOwnershipControls(b.ctx, b.name+"-backups", &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.Bucket,
		Rule:   s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, b.setting(block)...)
	if err != nil {
		return err
	}
	// After the block: S3 refuses two changes of a bucket's access at once.
	_, err = s3.NewBucketPolicy(b.ctx, b.name+"-backups", &s3.BucketPolicyArgs{
		Bucket: bucket.Bucket, Policy: iampolicy.TLSOnly(bucket.Arn, pulumi.Sprintf("%s/*", bucket.Arn)),
	}, b.setting(block)...)
	return err
}

func (b *builder) versionBucket(bucket *s3.BucketV2) error {
	_, err := s3.NewBucketVersioningV2(b.ctx, b.name+"-backups", &s3.BucketVersioningV2Args{
		Bucket: bucket.Bucket,
		VersioningConfiguration: s3.BucketVersioningV2VersioningConfigurationArgs{
			Status: pulumi.String("Enabled"),
		},
	}, b.setting()...)
	return err
}

func (b *builder) encryptBucket(bucket *s3.BucketV2) error {
	type (
		args  = s3.BucketServerSideEncryptionConfigurationV2Args
		rules = s3.BucketServerSideEncryptionConfigurationV2RuleArray
		rule  = s3.BucketServerSideEncryptionConfigurationV2RuleArgs
		way   = s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs
	)
	_, err := s3.NewBucketServerSideEncryptionConfigurationV2(b.ctx, b.name+"-backups", &args{
		Bucket: bucket.Bucket,
		Rules:  rules{rule{ApplyServerSideEncryptionByDefault: way{SseAlgorithm: pulumi.String("AES256")}}},
	}, b.setting()...)
	return err
}

func (b *builder) expireBackups(bucket *s3.BucketV2) error {
	type (
		rule       = s3.BucketLifecycleConfigurationV2RuleArgs
		filter     = s3.BucketLifecycleConfigurationV2RuleFilterArgs
		expiration = s3.BucketLifecycleConfigurationV2RuleExpirationArgs
		noncurrent = s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs
		abort      = s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs
	)
	backups := filter{Prefix: pulumi.String(contract.BackupPrefix)}
	_, err := s3.NewBucketLifecycleConfigurationV2(b.ctx, b.name+"-backups", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{rule{
			Id:                             pulumi.String("backups"),
			Status:                         pulumi.String("Enabled"),
			Filter:                         backups,
			Expiration:                     expiration{Days: pulumi.Int(b.args.RetentionDays)},
			NoncurrentVersionExpiration:    noncurrent{NoncurrentDays: pulumi.Int(replacedDays)},
			AbortIncompleteMultipartUpload: abort{DaysAfterInitiation: pulumi.Int(1)},
		}},
	}, b.setting()...)
	return err
}
