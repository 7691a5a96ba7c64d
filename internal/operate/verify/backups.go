package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"webstack/contract"
	"webstack/internal/operate"
)

var backupChecks = []check{
	{phase: 6, name: "backups.bucket", looked: "the backup bucket", when: backedUp, run: checkBucket},
	{phase: 6, name: "backups.versions", looked: "its versioning", when: backedUp, run: checkVersions},
	{phase: 6, name: "backups.encryption", looked: "its encryption", when: backedUp, run: checkEncryption},
	{phase: 6, name: "backups.private", looked: "its public access block and policy", when: backedUp, run: checkPrivate},
	{phase: 6, name: "backups.lifecycle", looked: "its expiry of backups", when: backedUp, run: checkLifecycle},
	{phase: 6, name: "backups.documents", looked: "the backup and restore documents", when: backedUp,
		run: checkBackupDocuments},
	{phase: 6, name: "backups.dumps", looked: "the newest verified backup of each database", when: backedUpHere,
		run: checkDumps},
}

// backupBucket is the bucket and when it was created.
type backupBucket struct {
	name    string
	created time.Time
}

// findBucket finds the bucket by its name or, if Pulumi generated the name, by its prefix and the stack's tags. A stack that
// was destroyed has left its bucket, so the one that was created last counts.
func (w *world) findBucket(ctx context.Context) (backupBucket, error) {
	given := w.config.DbBackupBucketName
	stem := contract.BackupBucketStem(contract.NamePrefix(w.project, w.stack)) + "-"
	var found backupBucket
	pages := s3.NewListBucketsPaginator(w.s3, &s3.ListBucketsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return backupBucket{}, operate.Explain("list the buckets", err)
		}
		for _, bucket := range page.Buckets {
			name := aws.ToString(bucket.Name)
			switch {
			case given != "" && name != given, given == "" && !strings.HasPrefix(name, stem):
				continue
			case given == "":
				mine, err := w.ownsBucket(ctx, name)
				if err != nil {
					return backupBucket{}, err
				}
				if !mine {
					continue
				}
			}
			if created := aws.ToTime(bucket.CreationDate); found.name == "" || created.After(found.created) {
				found = backupBucket{name: name, created: created}
			}
		}
	}
	if found.name != "" {
		return found, nil
	}
	if given == "" {
		given = stem + "…"
	}
	return backupBucket{}, fmt.Errorf("this stack has no bucket %s; %s", given, w.again())
}

func (w *world) ownsBucket(ctx context.Context, name string) (bool, error) {
	answer, err := w.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name})
	if operate.HasCode(err, "NoSuchTagSet") {
		return false, nil
	}
	if err != nil {
		return false, operate.Explain("read the tags of bucket "+name, err)
	}
	tags := map[string]string{}
	for _, t := range answer.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags["Project"] == w.project && tags["Stack"] == w.stack, nil
}

func checkBucket(ctx context.Context, w *world) ([]finding, error) {
	bucket, err := w.bucket(ctx)
	if err != nil {
		return nil, err
	}
	return []finding{passed("", "%s, created on %s", bucket.name, day(bucket.created))}, nil
}

func checkVersions(ctx context.Context, w *world) ([]finding, error) {
	bucket, err := w.bucket(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := w.s3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &bucket.name})
	if err != nil {
		return nil, operate.Explain("read the versioning of "+bucket.name, err)
	}
	if answer.Status != types.BucketVersioningStatusEnabled {
		return []finding{failed("", w.again(), "versioning is not enabled (%q)", answer.Status)}, nil
	}
	return []finding{passed("", "versioning is enabled")}, nil
}

func checkEncryption(ctx context.Context, w *world) ([]finding, error) {
	bucket, err := w.bucket(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := w.s3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &bucket.name})
	if err != nil && !operate.HasCode(err, "ServerSideEncryptionConfigurationNotFoundError") {
		return nil, operate.Explain("read the encryption of "+bucket.name, err)
	}
	if err == nil && answer.ServerSideEncryptionConfiguration != nil {
		for _, rule := range answer.ServerSideEncryptionConfiguration.Rules {
			if by := rule.ApplyServerSideEncryptionByDefault; by != nil {
				return []finding{passed("", "%s", by.SSEAlgorithm)}, nil
			}
		}
	}
	return []finding{failed("", w.again(), "default encryption is off")}, nil
}

func checkPrivate(ctx context.Context, w *world) ([]finding, error) {
	bucket, err := w.bucket(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := w.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &bucket.name})
	if err != nil && !operate.HasCode(err, "NoSuchPublicAccessBlockConfiguration") {
		return nil, operate.Explain("read the public access block of "+bucket.name, err)
	}
	block := &types.PublicAccessBlockConfiguration{}
	if err == nil && answer.PublicAccessBlockConfiguration != nil {
		block = answer.PublicAccessBlockConfiguration
	}
	for _, set := range []*bool{
		block.BlockPublicAcls, block.BlockPublicPolicy, block.IgnorePublicAcls, block.RestrictPublicBuckets,
	} {
		if !aws.ToBool(set) {
			return []finding{failed("", w.again(), "public access is not fully blocked")}, nil
		}
	}
	policy, err := w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket.name})
	if err != nil && !operate.HasCode(err, "NoSuchBucketPolicy") {
		return nil, operate.Explain("read the policy of "+bucket.name, err)
	}
	if err != nil || !refusesPlainHTTP(aws.ToString(policy.Policy)) {
		return []finding{failed("", w.again(), "its policy does not refuse requests without TLS")}, nil
	}
	return []finding{passed("", "no public access, TLS only")}, nil
}

// refusesPlainHTTP reports whether a policy denies requests without TLS.
func refusesPlainHTTP(policy string) bool {
	var document struct {
		Statement []struct {
			Effect    string
			Condition map[string]map[string]any
		}
	}
	if json.Unmarshal([]byte(policy), &document) != nil {
		return false
	}
	for _, statement := range document.Statement {
		value := statement.Condition["Bool"]["aws:SecureTransport"]
		if list, ok := value.([]any); ok && len(list) == 1 {
			value = list[0]
		}
		if statement.Effect == "Deny" && (value == "false" || value == false) {
			return true
		}
	}
	return false
}

func checkLifecycle(ctx context.Context, w *world) ([]finding, error) {
	bucket, err := w.bucket(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := w.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{
		Bucket: &bucket.name,
	})
	if err != nil && !operate.HasCode(err, "NoSuchLifecycleConfiguration") {
		return nil, operate.Explain("read the lifecycle of "+bucket.name, err)
	}
	want, days := w.config.BackupRetentionDays, 0
	if err == nil {
		for _, rule := range answer.Rules {
			if rule.Status == types.ExpirationStatusEnabled && rule.Expiration != nil && prefixOf(rule) == contract.BackupPrefix {
				days = int(aws.ToInt32(rule.Expiration.Days))
			}
		}
	}
	if days != want {
		return []finding{failed("", w.again(), "backups %s, but the config says %d days", expiryText(days), want)}, nil
	}
	return []finding{passed("", "after %d days", days)}, nil
}

func expiryText(days int) string {
	if days == 0 {
		return "never expire"
	}
	return fmt.Sprintf("expire after %d days", days)
}

func prefixOf(rule types.LifecycleRule) string {
	switch {
	case rule.Filter != nil && rule.Filter.And != nil:
		return aws.ToString(rule.Filter.And.Prefix)
	case rule.Filter != nil:
		return aws.ToString(rule.Filter.Prefix)
	}
	return ""
}

func checkBackupDocuments(ctx context.Context, w *world) ([]finding, error) {
	var out []finding
	for _, kind := range []string{contract.DocBackup, contract.DocRestore} {
		out = append(out, w.document(ctx, kind, kind))
	}
	return out, nil
}
