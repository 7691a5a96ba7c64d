package dbbackup

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/closedbucket"
	"webstack/internal/iampolicy"
)

// replacedDays is how long a deleted or replaced version is kept.
const replacedDays = 30

// makeBucket registers the bucket with all its settings. It is retained: it may hold the only copy of the data, so
// Pulumi never deletes it. It is not protected: when backups are turned off, or the bucket's name changes, Pulumi
// forgets the bucket, and it stays in the account with its backups and its settings.
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

// statements are what the bucket's policy denies. The first keeps backups unchanged: objects can be created but not
// overwritten. It requires the precondition that no object has the key yet. S3 checks it when an upload completes, not for
// its parts. Copies of the newest backups are exempt, because each replaces the one before under the same key; S3 keeps
// what was replaced as an old version. The second applies only to the host, whatever its role's policies allow: it cannot
// do anything that removes a backup or makes it expire sooner.
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

// setting returns the options of the bucket's settings: they are retained like the bucket.
func (b *builder) setting() []pulumi.ResourceOption {
	return []pulumi.ResourceOption{b.parent, pulumi.RetainOnDelete(true)}
}

// expireBackups makes S3 delete old backups, as the host cannot.
func (b *builder) expireBackups(bucket *s3.BucketV2) error {
	type (
		rule       = s3.BucketLifecycleConfigurationV2RuleArgs
		filter     = s3.BucketLifecycleConfigurationV2RuleFilterArgs
		expiration = s3.BucketLifecycleConfigurationV2RuleExpirationArgs
		noncurrent = s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs
		abort      = s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs
	)
	backups := filter{Prefix: pulumi.String(contract.BackupPrefix)}
	newest := filter{Prefix: pulumi.String(contract.NewestBackupPrefix)}
	_, err := s3.NewBucketLifecycleConfigurationV2(b.ctx, b.name+"-backups", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{rule{
			Id:                             pulumi.String("backups"),
			Status:                         pulumi.String("Enabled"),
			Filter:                         backups,
			Expiration:                     expiration{Days: pulumi.Int(b.args.RetentionDays)},
			NoncurrentVersionExpiration:    noncurrent{NoncurrentDays: pulumi.Int(replacedDays)},
			AbortIncompleteMultipartUpload: abort{DaysAfterInitiation: pulumi.Int(1)},
		}, rule{
			// The current versions do not expire: however old it is, the newest backup of a database stays.
			Id:                             pulumi.String("newest"),
			Status:                         pulumi.String("Enabled"),
			Filter:                         newest,
			NoncurrentVersionExpiration:    noncurrent{NoncurrentDays: pulumi.Int(replacedDays)},
			AbortIncompleteMultipartUpload: abort{DaysAfterInitiation: pulumi.Int(1)},
		}},
	}, b.setting()...)
	return err
}
