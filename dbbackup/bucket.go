package dbbackup

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/closedbucket"
	"webstack/internal/iampolicy"
)

// replacedDays is how long a version stays that was deleted or replaced by somebody.
const replacedDays = 30

// makeBucket registers the bucket with all its settings. It is retained: what is in it may be the only copy there is, so
// Pulumi never deletes it. It is not protected: turning backups off, or giving the bucket another name, makes Pulumi forget
// the bucket, and it stays in the account with its backups and its settings.
func (b *builder) makeBucket() error {
	args := &s3.BucketV2Args{ForceDestroy: pulumi.Bool(false)}
	if b.args.BucketName != "" {
		args.Bucket = pulumi.String(b.args.BucketName)
	}
	bucket, err := s3.NewBucketV2(b.ctx, contract.BackupBucketStem(b.args.NamePrefix), args, b.setting()...)
	if err != nil {
		return fmt.Errorf("register the backup bucket: %w", err)
	}
	b.out.BucketName, b.out.BucketArn = bucket.Bucket, bucket.Arn
	if _, err := closedbucket.Close(b.ctx, b.name+"-backups", bucket, b.statements(), b.setting()...); err != nil {
		return fmt.Errorf("set up the backup bucket: %w", err)
	}
	if err := b.expireBackups(bucket); err != nil {
		return fmt.Errorf("register the lifecycle of the backup bucket: %w", err)
	}
	return nil
}

// statements are what the bucket's policy refuses. The first keeps a backup what it was when it was made: an object can be
// created and not written over, by whoever it is. S3 takes one precondition for it, that no object has the key yet; parts of
// an upload are not asked for it, its completion is. The second holds for the host alone, whatever its role's policies say:
// nothing that makes a backup go or expire sooner.
func (b *builder) statements() []iampolicy.Statement {
	backups := pulumi.Sprintf("%s/%s*", b.out.BucketArn, contract.BackupPrefix)
	host := iampolicy.Condition{"ArnEquals": {"aws:PrincipalArn": {b.args.HostRoleArn}}}
	return []iampolicy.Statement{
		{
			Sid: "NothingIsReplaced", Effect: "Deny", Principal: "*", Action: []string{"s3:PutObject"},
			Resource: []any{backups},
			Condition: iampolicy.Condition{
				"Null": {"s3:if-none-match": {"true"}}, "Bool": {"s3:ObjectCreationOperation": {"true"}},
			},
		},
		{
			Sid: "HostRemovesNothing", Effect: "Deny", Principal: "*",
			Action: []string{
				"s3:BypassGovernanceRetention", "s3:DeleteBucket*", "s3:DeleteObject*", "s3:PutBucket*",
				"s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "s3:PutObjectAcl", "s3:PutObjectLegalHold",
				"s3:PutObjectRetention", "s3:PutObjectTagging", "s3:PutObjectVersionTagging", "s3:PutReplicationConfiguration",
			},
			Resource:  []any{b.out.BucketArn, pulumi.Sprintf("%s/*", b.out.BucketArn)},
			Condition: host,
		},
	}
}

// setting are the options of everything that is set on the bucket: when the bucket stays, its settings do, too.
func (b *builder) setting() []pulumi.ResourceOption {
	return []pulumi.ResourceOption{b.parent, pulumi.RetainOnDelete(true)}
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
