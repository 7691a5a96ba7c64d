package awsprovider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token:   "aws:s3/bucketV2:BucketV2",
		Inputs:  provider.Values{"tags": provider.Values{"Name": "backups"}},
		Unknown: []string{"arn", "bucketRegionalDomainName"},
		Want:    provider.Values{"region": "eu-central-1", "forceDestroy": false},
		Update:  provider.Values{"forceDestroy": true, "tags": provider.Values{"Owner": "ops"}},
		Replace: []provider.Values{{"bucket": "some-other-bucket"}},
	}.Run(t, newEngine(t))
}

func bucketFor(e *providertest.Engine, inputs provider.Values) *providertest.Resource {
	return e.Create("aws:s3/bucketV2:BucketV2", providertest.Merged(provider.Values{"bucket": e.Name + "-bucket"}, inputs))
}

func TestBucketSettings(t *testing.T) {
	t.Parallel()
	rule := provider.Values{
		"id": "old", "status": "Enabled", "filter": provider.Values{"prefix": "a/"},
		"expiration":                     provider.Values{"days": 30},
		"noncurrentVersionExpiration":    provider.Values{"noncurrentDays": 7},
		"abortIncompleteMultipartUpload": provider.Values{"daysAfterInitiation": 1},
	}
	for name, setting := range map[string]providertest.Lifecycle{
		"versioning": {
			Token:    "aws:s3/bucketVersioningV2:BucketVersioningV2",
			Inputs:   provider.Values{"versioningConfiguration": provider.Values{"status": "Enabled"}},
			Update:   provider.Values{"versioningConfiguration": provider.Values{"status": "Suspended"}},
			Survives: true, // there is no way to a bucket that never had versions
		},
		"encryption": {
			Token: "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			Inputs: provider.Values{"rules": []any{provider.Values{
				"applyServerSideEncryptionByDefault": provider.Values{"sseAlgorithm": "AES256"}}}},
			Update: provider.Values{"rules": []any{provider.Values{
				"applyServerSideEncryptionByDefault": provider.Values{"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": true}}},
		},
		"lifecycle": {
			Token:  "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			Inputs: provider.Values{"rules": []any{rule}},
			Update: provider.Values{"rules": []any{
				providertest.Merged(rule, provider.Values{"expiration": provider.Values{"days": 60}}),
			}},
		},
		"public access block": {
			Token:  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
			Inputs: provider.Values{"blockPublicAcls": true, "blockPublicPolicy": true},
			Want:   provider.Values{"ignorePublicAcls": false},
			Update: provider.Values{"ignorePublicAcls": true, "restrictPublicBuckets": true},
		},
		"ownership": {
			Token:  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
			Inputs: provider.Values{"rule": provider.Values{"objectOwnership": "BucketOwnerEnforced"}},
			Update: provider.Values{"rule": provider.Values{"objectOwnership": "BucketOwnerPreferred"}},
		},
		"policy": {
			Token:  "aws:s3/bucketPolicy:BucketPolicy",
			Inputs: provider.Values{"policy": tlsOnly("s3:*")},
			Update: provider.Values{"policy": tlsOnly("s3:GetObject")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			setting.Inputs["bucket"] = bucketFor(e, nil).ID
			setting.Replace = []provider.Values{{"bucket": "some-other-bucket"}}
			setting.Run(t, e)
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
	e.Create("aws:s3/bucketVersioningV2:BucketVersioningV2", provider.Values{
		"bucket": bucket.ID, "versioningConfiguration": provider.Values{"status": "Enabled"},
	})
	providertest.Lifecycle{
		Token: "aws:s3/bucketObjectv2:BucketObjectv2",
		Inputs: provider.Values{
			"bucket": bucket.ID, "key": "bundle/compose.yml", "content": "services: {}\n", "contentType": "text/plain",
		},
		Unknown:  []string{"versionId", "etag"},
		Update:   provider.Values{"content": "services: {a: {}}\n", "contentType": "text/yaml"},
		Replace:  []provider.Values{{"key": "other"}, {"bucket": "some-other-bucket"}},
		ImportID: bucket.ID + "/bundle/compose.yml",
	}.Run(t, e)
}

func TestObjectFromAFile(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	bucket := bucketFor(e, provider.Values{"forceDestroy": true})
	source, err := asset.FromText(strings.Repeat("program ", 1000))
	if err != nil {
		t.Fatal(err)
	}
	e.Create("aws:s3/bucketObjectv2:BucketObjectv2", provider.Values{"bucket": bucket.ID, "key": "bin", "source": source})
	key := "bin"
	found, err := testClients(t).s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket.ID, Key: &key})
	if err != nil || *found.ContentLength != 8000 {
		t.Errorf("object: %v, %v", found, err)
	}
}

func TestBucketWithObjectsIsDeletedOnlyWhenForced(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	bucket := bucketFor(e, nil)
	e.Create("aws:s3/bucketObjectv2:BucketObjectv2", provider.Values{"bucket": bucket.ID, "key": "a", "content": "x"})
	if err := bucket.TryDelete(t.Context()); err == nil || !strings.Contains(err.Error(), "BucketNotEmpty") {
		t.Errorf("delete: %v", err)
	}
	bucket.Update(provider.Values{"bucket": bucket.ID, "forceDestroy": true})
	bucket.Delete(t.Context())
}
