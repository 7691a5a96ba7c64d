package gateway

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// overwriting are attempts of a role with all S3 permissions on a bucket whose policy allows objects to be created but
// not replaced.
type overwriting struct {
	t           *testing.T
	client      *s3.Client
	bucket, key string
	match       *string // If-None-Match
}

func (o overwriting) put(more ...func(*s3.PutObjectInput)) error {
	in := &s3.PutObjectInput{Bucket: &o.bucket, Key: &o.key, Body: strings.NewReader("x"), IfNoneMatch: o.match}
	for _, change := range more {
		change(in)
	}
	_, err := o.client.PutObject(o.t.Context(), in)
	return err
}

func (o overwriting) copy() error {
	_, err := o.client.CopyObject(o.t.Context(), &s3.CopyObjectInput{
		Bucket: &o.bucket, Key: &o.key, CopySource: aws.String(o.bucket + "/" + o.key),
		MetadataDirective: types.MetadataDirectiveReplace,
	})
	return err
}

func (o overwriting) inParts() error {
	ctx := o.t.Context()
	upload, err := o.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &o.bucket, Key: &o.key})
	if err != nil {
		return err
	}
	part, err := o.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &o.bucket, Key: &o.key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part"),
	})
	if err != nil {
		return err
	}
	_, err = o.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &o.bucket, Key: &o.key, UploadId: upload.UploadId, IfNoneMatch: o.match,
		MultipartUpload: &types.CompletedMultipartUpload{
			Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}},
		},
	})
	return err
}

func TestBucketPolicyPreventsOverwriting(t *testing.T) {
	t.Parallel()
	l, ctx, bucket := newLab(t), t.Context(), *newBucket(t)
	config, role := l.assumed(allowing("s3:*", "*"))
	objects := `"arn:aws:s3:::` + bucket + `/*"`
	policy := `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": ` + objects + `,
			"Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}},
		{"Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject*", "s3:PutObjectTagging", "s3:PutObjectRetention",
			"s3:PutLifecycleConfiguration", "s3:PutBucket*"], "Resource": [` + objects + `, "arn:aws:s3:::` + bucket + `"],
			"Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/` + role + `"}}}]}`
	own := s3.NewFromConfig(l.config(), pathStyle)
	ask(own.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})).must(t)
	client, star := s3.NewFromConfig(config, pathStyle), aws.String("*")
	at := func(key string, match *string) overwriting { return overwriting{t, client, bucket, key, match} }
	for name, err := range map[string]error{
		"an object": at("one", star).put(), "parts": at("parts", star).inParts(),
	} {
		if err != nil {
			t.Errorf("create %s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"an object": at("one", nil).put(), "a new object": at("two", nil).put(), "parts": at("one", nil).inParts(),
		"a copy": at("one", nil).copy(),
	} {
		wantCode(t, err, "AccessDenied", "explicit deny")
		if t.Failed() {
			t.Fatalf("%s without the precondition", name)
		}
	}
	wantCode(t, at("one", star).put(), "PreconditionFailed", "")
	wantCode(t, at("one", star).inParts(), "PreconditionFailed", "")
	_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("one")})
	wantCode(t, err, "AccessDenied", "explicit deny")
	wantCode(t, at("three", star).put(func(in *s3.PutObjectInput) { in.Tagging = aws.String("expire=soon") }),
		"AccessDenied", "s3:PutObjectTagging")
	_, err = client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: &bucket, Key: aws.String("one"),
		Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("expire"), Value: aws.String("soon")}}}})
	wantCode(t, err, "AccessDenied", "s3:PutObjectTagging")
	_, err = client.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &bucket, Key: aws.String("one")})
	wantCode(t, err, "AccessDenied", "s3:PutObjectRetention")
	_, err = client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}})
	wantCode(t, err, "AccessDenied", "s3:PutBucketVersioning")
}
