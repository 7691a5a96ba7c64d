package hosts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"webstack/contract"
	"webstack/e2e/lab"
)

// use is what one statement of the role's policies allows the host to do.
type use struct {
	sid string
	do  func(ctx context.Context, h *asHost) error
}

// uses are in the order of the policies.
var uses = []use{
	{"ReadParameters", func(ctx context.Context, h *asHost) error {
		_, err := h.ssm.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{Path: aws.String(base), Recursive: aws.Bool(true)})
		return err
	}},
	{"RecordReleases", func(ctx context.Context, h *asHost) error {
		_, err := h.ssm.PutParameter(ctx, &ssm.PutParameterInput{
			Name: aws.String(contract.AppReleaseParam(base, "shop")), Value: aws.String(h.release),
			Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
		})
		return err
	}},
	{"ReadDeploys", func(ctx context.Context, h *asHost) error {
		_, err := h.ssm.GetParameterHistory(ctx, &ssm.GetParameterHistoryInput{
			Name: aws.String(contract.AppDeployParam(base, "shop")),
		})
		if missing := (*ssmtypes.ParameterNotFound)(nil); errors.As(err, &missing) {
			return nil // nothing was deployed yet
		}
		return err
	}},
	{"DecryptParameters", func(ctx context.Context, h *asHost) error {
		_, err := h.ssm.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{
			Path: aws.String(base), Recursive: aws.Bool(true), WithDecryption: aws.Bool(true),
		})
		return err
	}},
	{"ReadBundle", func(ctx context.Context, h *asHost) error {
		_, err := h.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(h.artifacts), Key: aws.String(contract.ManifestKey)})
		return err
	}},
	{"Login", func(ctx context.Context, h *asHost) error {
		_, err := h.ecr.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
		return err
	}},
	{"Pull", func(ctx context.Context, h *asHost) error {
		tag, _ := contract.SplitRelease(h.release)
		_, err := h.ecr.BatchGetImage(ctx, &ecr.BatchGetImageInput{
			RepositoryName: aws.String("webstack-local/shop"),
			ImageIds:       []ecrtypes.ImageIdentifier{{ImageTag: aws.String(tag)}},
		})
		return err
	}},
	{"PinImages", func(ctx context.Context, h *asHost) error {
		tag, _ := contract.SplitRelease(h.release)
		found, err := h.ecr.BatchGetImage(ctx, &ecr.BatchGetImageInput{
			RepositoryName: aws.String("webstack-local/shop"), ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String(tag)}},
		})
		if err != nil {
			return err
		}
		if len(found.Images) != 1 {
			return fmt.Errorf("find the image %s: got %d", tag, len(found.Images))
		}
		h.objects++
		_, err = h.ecr.PutImage(ctx, &ecr.PutImageInput{
			RepositoryName: aws.String("webstack-local/shop"), ImageManifest: found.Images[0].ImageManifest,
			ImageTag: aws.String(fmt.Sprint("permission-test-", h.objects)),
		})
		return err
	}},
	{"WriteAndReadBackups", func(ctx context.Context, h *asHost) error {
		h.objects++
		return h.backUp(ctx, fmt.Sprint("permission-test-", h.objects), aws.String("*"))
	}},
	{"ListBackups", func(ctx context.Context, h *asHost) error {
		_, err := h.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
			Bucket: aws.String(h.backups), Prefix: aws.String(contract.NewestBackupPrefix),
		})
		if err != nil {
			return err
		}
		_, err = h.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
			Bucket: aws.String(h.backups), Prefix: aws.String(contract.BackupPrefix),
		})
		return err
	}},
	{"ReadCertificates", func(ctx context.Context, h *asHost) error {
		_, err := h.ssm.GetParameters(ctx, &ssm.GetParametersInput{
			Names: []string{contract.AppCertificateParams(base, "shop")[1].Cert},
		})
		return err
	}},
}

// asHost calls AWS with the host's credentials.
type asHost struct {
	ssm                         *ssm.Client
	s3                          *s3.Client
	ecr                         *ecr.Client
	artifacts, backups, release string
	objects                     int // how many were written; none can be overwritten
}

// backUp writes an object of a backup, with the precondition If-None-Match.
func (h *asHost) backUp(ctx context.Context, name string, ifNoneMatch *string) error {
	_, err := h.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(h.backups), Key: aws.String(contract.BackupPrefix + name), Body: bytes.NewReader(nil),
		IfNoneMatch: ifNoneMatch,
	})
	return err
}

// backupsStay tries what a compromised host would do to the backups.
func backupsStay(t *testing.T, h *asHost) {
	t.Helper()
	ctx, key := t.Context(), aws.String(contract.BackupPrefix+"kept")
	if err := h.backUp(ctx, "kept", aws.String("*")); err != nil {
		t.Fatal(err)
	}
	newest := aws.String(contract.NewestBackupKey("kept", contract.BackupManifest))
	var versions []*string
	for range 2 { // the copies of the newest backups are the only objects that may be replaced
		put, err := h.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(h.backups), Key: newest, Body: bytes.NewReader(nil)})
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, put.VersionId)
	}
	_, copyDeleted := h.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(h.backups), Key: newest})
	_, versionDeleted := h.s3.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: aws.String(h.backups), Key: newest, VersionId: versions[0],
	})
	_, rules := h.s3.DeleteBucketLifecycle(ctx, &s3.DeleteBucketLifecycleInput{Bucket: aws.String(h.backups)})
	_, deleted := h.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(h.backups), Key: key})
	_, tagged := h.s3.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: aws.String(h.backups), Key: key,
		Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String("expire"), Value: aws.String("soon")}}}})
	for what, try := range map[string]struct {
		err  error
		want string
	}{
		"written over":               {h.backUp(ctx, "kept", nil), "AccessDenied"},
		"written over conditionally": {h.backUp(ctx, "kept", aws.String("*")), "PreconditionFailed"},
		"deleted":                    {deleted, "AccessDenied"},
		"tagged":                     {tagged, "AccessDenied"},
		"no longer the newest":       {copyDeleted, "AccessDenied"},
		"no longer an old version":   {versionDeleted, "AccessDenied"},
		"expiring sooner":            {rules, "AccessDenied"},
	} {
		var refused smithy.APIError
		if !errors.As(try.err, &refused) || refused.ErrorCode() != try.want {
			t.Errorf("a backup is %s: %v, want %s", what, try.err, try.want)
		}
	}
}

func newAsHost(t *testing.T, c *lab.Clone) *asHost {
	t.Helper()
	const metadata = "http://169.254.169.254/latest/"
	text := c.OnHost(`token="$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' ` + metadata + `api/token)"
get() { curl -sS -H "X-aws-ec2-metadata-token: $token" "` + metadata + `meta-data/iam/security-credentials/$1"; }
get "$(get '')"`)
	var keys struct{ AccessKeyID, SecretAccessKey, Token string }
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		t.Fatalf("read the host's credentials: %v", err)
	}
	config := c.AWS()
	config.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.Token)
	config.RetryMaxAttempts = 1
	h := &asHost{
		ssm: ssm.NewFromConfig(config), ecr: ecr.NewFromConfig(config),
		s3: s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }),
	}
	h.release = strings.TrimSpace(*must(ssm.NewFromConfig(c.AWS()).GetParameter(t.Context(), &ssm.GetParameterInput{
		Name: aws.String(contract.AppReleaseParam(base, "shop")),
	}))(t).Parameter.Value)
	for _, bucket := range must(s3.NewFromConfig(c.AWS(), func(o *s3.Options) { o.UsePathStyle = true }).ListBuckets(
		t.Context(), &s3.ListBucketsInput{}))(t).Buckets {
		switch name := aws.ToString(bucket.Name); {
		case strings.Contains(name, "artifacts"):
			h.artifacts = name
		case strings.Contains(name, "backups"):
			h.backups = name
		}
	}
	return h
}

// denied reports whether AWS refused a call for want of a permission. EC2 has a word of its own for that.
func denied(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) &&
		(strings.HasPrefix(refused.ErrorCode(), "AccessDenied") || refused.ErrorCode() == "UnauthorizedOperation")
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// policy is a policy document of the host's role, and how to put another one in its place.
type policy struct {
	statements []map[string]any
	put        func(ctx context.Context, document string) error
}

func (p policy) without(sid string) string {
	left := slices.DeleteFunc(slices.Clone(p.statements), func(s map[string]any) bool { return s["Sid"] == sid })
	if len(left) == 0 { // a policy has one statement at least
		left = []map[string]any{{"Effect": "Deny", "Action": "none:None", "Resource": "*"}}
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": left})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// rolePolicies returns the policies that the program writes for a role, of which one is inline.
func rolePolicies(t *testing.T, client *iam.Client, role, inlineName string) []policy {
	t.Helper()
	parse := func(document *string) []map[string]any {
		t.Helper()
		text, err := url.QueryUnescape(aws.ToString(document))
		if err != nil {
			t.Fatal(err)
		}
		var parsed struct{ Statement []map[string]any }
		if err := json.Unmarshal([]byte(text), &parsed); err != nil {
			t.Fatal(err)
		}
		return parsed.Statement
	}
	inline := must(client.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{
		RoleName: aws.String(role), PolicyName: aws.String(inlineName),
	}))(t)
	out := []policy{{parse(inline.PolicyDocument), func(ctx context.Context, document string) error {
		_, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
			RoleName: aws.String(role), PolicyName: aws.String(inlineName), PolicyDocument: aws.String(document),
		})
		return err
	}}}
	attached := must(client.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: aws.String(role)}))(t)
	for _, one := range attached.AttachedPolicies {
		if strings.HasPrefix(aws.ToString(one.PolicyArn), "arn:aws:iam::aws:") {
			continue
		}
		version := must(client.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{
			PolicyArn: one.PolicyArn, VersionId: must(client.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: one.PolicyArn}))(t).Policy.DefaultVersionId,
		}))(t)
		out = append(out, policy{parse(version.PolicyVersion.Document), func(ctx context.Context, document string) error {
			_, err := client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
				PolicyArn: one.PolicyArn, PolicyDocument: aws.String(document), SetAsDefault: true,
			})
			if err != nil {
				return fmt.Errorf("make a version of %s: %w", aws.ToString(one.PolicyName), err)
			}
			return nil
		}})
	}
	return out
}

// everyStatementIsNeeded removes each statement of the host's role in turn, and expects what it allows to be denied.
func everyStatementIsNeeded(t *testing.T, c *lab.Clone) {
	host, client := newAsHost(t, c), iam.NewFromConfig(c.AWS())
	backupsStay(t, host)
	byName := map[string]func(context.Context) error{}
	for _, u := range uses {
		byName[u.sid] = func(ctx context.Context) error { return u.do(ctx, host) }
	}
	const role = "webstack-local-host"
	needed(t, rolePolicies(t, client, role, "host"), byName)
	agentNeedsItsPolicy(t, c, client, role)
	// The next run restores what was changed by hand.
	c.MustLaptop("up")
}

// needed removes each statement of a role's policies in turn, and expects what is done by it to be denied. uses has what
// is done by each statement.
func needed(t *testing.T, policies []policy, uses map[string]func(context.Context) error) {
	t.Helper()
	for sid, do := range uses {
		if err := do(t.Context()); err != nil {
			t.Fatalf("with all permissions, %s: %v", sid, err)
		}
	}
	left := maps.Clone(uses)
	for _, p := range policies {
		whole := p.without("")
		for _, statement := range p.statements {
			sid, _ := statement["Sid"].(string)
			do, ok := uses[sid]
			if !ok {
				t.Errorf("nothing is known that is done by statement %q", sid)
				continue
			}
			if err := p.put(t.Context(), p.without(sid)); err != nil {
				t.Fatal(err)
			}
			if err := do(t.Context()); !denied(err) {
				t.Errorf("without %s: %v", sid, err)
			}
			if err := p.put(t.Context(), whole); err != nil {
				t.Fatal(err)
			}
			if err := do(t.Context()); err != nil {
				t.Errorf("with %s again: %v", sid, err)
			}
			delete(left, sid)
		}
	}
	for sid := range left {
		t.Errorf("the role has no statement %s", sid)
	}
}

// agentNeedsItsPolicy removes AWS's own policy, without which the agent cannot reach Systems Manager.
func agentNeedsItsPolicy(t *testing.T, c *lab.Clone, client *iam.Client, role string) {
	t.Helper()
	arn := aws.String("arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy")
	online := func(ctx context.Context, want bool) error {
		out, err := ssm.NewFromConfig(c.AWS()).DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{})
		if err != nil {
			return err
		}
		is := slices.ContainsFunc(out.InstanceInformationList, func(i ssmtypes.InstanceInformation) bool {
			return i.PingStatus == ssmtypes.PingStatusOnline
		})
		if is != want {
			return fmt.Errorf("the host is online: %v, want %v", is, want)
		}
		return nil
	}
	if err := online(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	must(client.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String(role), PolicyArn: arn}))(t)
	c.Eventually("go offline", func(ctx context.Context) error { return online(ctx, false) })
	must(client.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String(role), PolicyArn: arn}))(t)
	c.Eventually("come online", func(ctx context.Context) error { return online(ctx, true) })
}
