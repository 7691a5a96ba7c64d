package awsprovider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"

	"webstack/local/provider"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	lifecycle{
		token:   "aws:s3/bucketV2:BucketV2",
		inputs:  provider.Values{"tags": provider.Values{"Name": "backups"}},
		unknown: []string{"arn", "bucketRegionalDomainName"},
		want:    provider.Values{"region": "eu-central-1", "forceDestroy": false},
		update:  provider.Values{"forceDestroy": true, "tags": provider.Values{"Owner": "ops"}},
		replace: []provider.Values{{"bucket": "some-other-bucket"}},
	}.run(t, newEngine(t))
}

func bucketFor(e *engine, inputs provider.Values) *made {
	return e.create("aws:s3/bucketV2:BucketV2", merged(provider.Values{"bucket": e.name + "-bucket"}, inputs))
}

func TestBucketSettings(t *testing.T) {
	t.Parallel()
	rule := provider.Values{
		"id": "old", "status": "Enabled", "filter": provider.Values{"prefix": "a/"},
		"expiration":                     provider.Values{"days": 30},
		"noncurrentVersionExpiration":    provider.Values{"noncurrentDays": 7},
		"abortIncompleteMultipartUpload": provider.Values{"daysAfterInitiation": 1},
	}
	for name, setting := range map[string]lifecycle{
		"versioning": {
			token:    "aws:s3/bucketVersioningV2:BucketVersioningV2",
			inputs:   provider.Values{"versioningConfiguration": provider.Values{"status": "Enabled"}},
			update:   provider.Values{"versioningConfiguration": provider.Values{"status": "Suspended"}},
			survives: true, // there is no way to a bucket that never had versions
		},
		"encryption": {
			token: "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			inputs: provider.Values{"rules": []any{provider.Values{
				"applyServerSideEncryptionByDefault": provider.Values{"sseAlgorithm": "AES256"}}}},
			update: provider.Values{"rules": []any{provider.Values{
				"applyServerSideEncryptionByDefault": provider.Values{"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": true}}},
		},
		"lifecycle": {
			token:  "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			inputs: provider.Values{"rules": []any{rule}},
			update: provider.Values{"rules": []any{merged(rule, provider.Values{"expiration": provider.Values{"days": 60}})}},
		},
		"public access block": {
			token:  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
			inputs: provider.Values{"blockPublicAcls": true, "blockPublicPolicy": true},
			want:   provider.Values{"ignorePublicAcls": false},
			update: provider.Values{"ignorePublicAcls": true, "restrictPublicBuckets": true},
		},
		"ownership": {
			token:  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
			inputs: provider.Values{"rule": provider.Values{"objectOwnership": "BucketOwnerEnforced"}},
			update: provider.Values{"rule": provider.Values{"objectOwnership": "BucketOwnerPreferred"}},
		},
		"policy": {
			token:  "aws:s3/bucketPolicy:BucketPolicy",
			inputs: provider.Values{"policy": tlsOnly("s3:*")},
			update: provider.Values{"policy": tlsOnly("s3:GetObject")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			setting.inputs["bucket"] = bucketFor(e, nil).id
			setting.replace = []provider.Values{{"bucket": "some-other-bucket"}}
			setting.run(t, e)
		})
	}
}

func tlsOnly(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"` + action +
		`","Resource":"arn:aws:s3:::x/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
}

func TestBucketObject(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	bucket := bucketFor(e, provider.Values{"forceDestroy": true})
	e.create("aws:s3/bucketVersioningV2:BucketVersioningV2", provider.Values{
		"bucket": bucket.id, "versioningConfiguration": provider.Values{"status": "Enabled"},
	})
	lifecycle{
		token: "aws:s3/bucketObjectv2:BucketObjectv2",
		inputs: provider.Values{
			"bucket": bucket.id, "key": "bundle/compose.yml", "content": "services: {}\n", "contentType": "text/plain",
		},
		unknown:  []string{"versionId", "etag"},
		update:   provider.Values{"content": "services: {a: {}}\n", "contentType": "text/yaml"},
		replace:  []provider.Values{{"key": "other"}, {"bucket": "some-other-bucket"}},
		importID: bucket.id + "/bundle/compose.yml",
	}.run(t, e)
}

func TestObjectFromAFile(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	bucket := bucketFor(e, provider.Values{"forceDestroy": true})
	source, err := asset.FromText(strings.Repeat("program ", 1000))
	if err != nil {
		t.Fatal(err)
	}
	e.create("aws:s3/bucketObjectv2:BucketObjectv2", provider.Values{"bucket": bucket.id, "key": "bin", "source": source})
	key := "bin"
	found, err := testClients(t).s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket.id, Key: &key})
	if err != nil || *found.ContentLength != 8000 {
		t.Errorf("object: %v, %v", found, err)
	}
}

func TestBucketWithObjectsIsDeletedOnlyWhenForced(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	bucket := bucketFor(e, nil)
	e.create("aws:s3/bucketObjectv2:BucketObjectv2", provider.Values{"bucket": bucket.id, "key": "a", "content": "x"})
	if err := bucket.tryDelete(t.Context()); err == nil || !strings.Contains(err.Error(), "BucketNotEmpty") {
		t.Errorf("delete: %v", err)
	}
	bucket.update(provider.Values{"bucket": bucket.id, "forceDestroy": true})
	bucket.delete(t.Context())
}
