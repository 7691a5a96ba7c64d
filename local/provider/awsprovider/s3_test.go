package awsprovider

import (
	"errors"
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
			Survives: true, // a bucket with versions cannot go back to one without
		},
		"encryption": {
			Token: "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			Inputs: provider.Values{"rules": []any{provider.Values{
				"applyServerSideEncryptionByDefault": provider.Values{"sseAlgorithm": "AES256"}}}},
			Update: provider.Values{"rules": []any{provider.Values{
				"applyServerSideEncryptionByDefault": provider.Values{"sseAlgorithm": "aws:kms"}}}},
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

// A deleted object in a bucket with versions leaves a marker, which must be deleted, too.
func TestBucketWithDeletedObjectsIsDeleted(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	bucket := bucketFor(e, provider.Values{"forceDestroy": true})
	versioning := e.Create("aws:s3/bucketVersioningV2:BucketVersioningV2", provider.Values{
		"bucket": bucket.ID, "versioningConfiguration": provider.Values{"status": "Enabled"},
	})
	client, name, key := testClients(t).s3, bucket.ID, "imports/shop.dump"
	_, putErr := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: strings.NewReader("dump")})
	_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &name, Key: &key})
	if err := errors.Join(putErr, err); err != nil {
		t.Fatal(err)
	}
	versioning.Delete(t.Context())
	bucket.Delete(t.Context())
	if _, err := client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &name}); err == nil {
		t.Error("the bucket is still there")
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

// TestVersioningIsNotTurnedOff: S3 cannot do that, and an update that changes nothing must not look like one.
func TestVersioningIsNotTurnedOff(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	status := func(status string) provider.Values {
		return provider.Values{"bucket": e.Name + "-bucket", "versioningConfiguration": provider.Values{"status": status}}
	}
	bucketFor(e, nil)
	r := e.Create("aws:s3/bucketVersioningV2:BucketVersioningV2", status("Disabled"))
	r.Update(status("Enabled"))
	if err := r.TryUpdate(status("Disabled")); err == nil || !strings.Contains(err.Error(), "Suspended") {
		t.Errorf("from Enabled to Disabled: %v", err)
	}
}

// TestObjectKeepsWhatTheProgramDrops: a new upload is stored with the settings of the last one.
func TestObjectKeepsWhatTheProgramDrops(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	bucket := bucketFor(e, provider.Values{"forceDestroy": true})
	inputs := provider.Values{
		"bucket": bucket.ID, "key": "a", "content": "one", "contentType": "text/yaml",
		"tags": provider.Values{"Name": "a + b"},
	}
	r := e.Create("aws:s3/bucketObjectv2:BucketObjectv2", inputs)
	wanted := providertest.Merged(inputs, provider.Values{"content": "two", "contentType": nil})
	if got := r.PreviewedUpdate(wanted); got["contentType"] != "text/yaml" || got["versionId"] != (provider.Unknown{}) {
		t.Errorf("preview: type %v, version %v", got["contentType"], got["versionId"])
	}
	r.Update(wanted)
	if r.Outputs["contentType"] != "text/yaml" || r.Outputs.Object("tags").Str("Name") != "a + b" {
		t.Errorf("outputs %v", r.Outputs)
	}
}

// TestAllVersionsOfAnObjectAreDeleted: and none of another object whose key has the same prefix.
func TestAllVersionsOfAnObjectAreDeleted(t *testing.T) {
	t.Parallel()
	e, c := newEngine(t), testClients(t)
	bucket := bucketFor(e, provider.Values{"forceDestroy": true})
	e.Create("aws:s3/bucketVersioningV2:BucketVersioningV2", provider.Values{
		"bucket": bucket.ID, "versioningConfiguration": provider.Values{"status": "Enabled"},
	})
	object := func(key, content string) provider.Values {
		return provider.Values{"bucket": bucket.ID, "key": key, "content": content}
	}
	r := e.Create("aws:s3/bucketObjectv2:BucketObjectv2", object("a", "one"))
	e.Create("aws:s3/bucketObjectv2:BucketObjectv2", object("a/b", "other"))
	r.Update(object("a", "two"))
	r.Delete(t.Context())
	left, err := c.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket.ID})
	if err != nil || len(left.Versions) != 1 || *left.Versions[0].Key != "a/b" || len(left.DeleteMarkers) > 0 {
		t.Errorf("left are %v and %v, error %v", left.Versions, left.DeleteMarkers, err)
	}
}

func TestExistingBucket(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	bucket := bucketFor(e, nil)
	_, err := e.TryCreate("aws:s3/bucketV2:BucketV2", provider.Values{"bucket": bucket.ID})
	if err == nil || !strings.Contains(err.Error(), "BucketAlreadyExists") {
		t.Errorf("a second one: %v", err)
	}
}
