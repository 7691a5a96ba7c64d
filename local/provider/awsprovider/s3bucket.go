package awsprovider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"webstack/local/provider"
)

// noBucket are S3's codes for a bucket that does not exist; a HEAD request has no body and gives the second.
var noBucket = []string{"NoSuchBucket", "NotFound"}

// defaultRegion is where a bucket is made when no location is named; naming it is an error.
const defaultRegion = "us-east-1"

func (c *clients) bucket() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "bucket", Max: 63, Lower: true},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"bucket": {Computed: true, Replace: true,
				Check: checkPattern(`[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`, "must be 3 to 63 of a-z, 0-9, dot and dash")},
			"forceDestroy":             {Default: false, InputOnly: true},
			"arn":                      {Output: true},
			"bucketDomainName":         {Output: true},
			"bucketRegionalDomainName": {Output: true},
			"region":                   {Output: true},
		}),
		Create: c.createBucket,
		Read:   c.readBucket,
		Update: func(ctx context.Context, change provider.Change) error {
			if !change.Changed("tagsAll") {
				return nil
			}
			return c.tagBucket(ctx, change.ID, change.New)
		},
		Delete: c.deleteBucket,
	}
}

func (c *clients) createBucket(ctx context.Context, in provider.Values) (string, error) {
	id := in.Str("bucket")
	if _, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &id}); err == nil {
		return "", fmt.Errorf("create bucket %s: BucketAlreadyExists: a bucket with this name already exists", id)
	}
	call := &s3.CreateBucketInput{Bucket: &id}
	if c.region != defaultRegion {
		call.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(c.region),
		}
	}
	if _, err := c.s3.CreateBucket(ctx, call); err != nil {
		return "", err
	}
	return id, c.tagBucket(ctx, id, in)
}

// tagBucket replaces all tags.
func (c *clients) tagBucket(ctx context.Context, id string, in provider.Values) error {
	tags := in.StrMap("tagsAll")
	if len(tags) == 0 {
		_, err := c.s3.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: &id})
		return err
	}
	var set []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		set = append(set, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	_, err := c.s3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &id, Tagging: &types.Tagging{TagSet: set}})
	return err
}

func (c *clients) readBucket(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	if _, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &id}); err != nil {
		return nil, gone(err, noBucket...)
	}
	out := provider.Values{
		"bucket": id, "arn": "arn:" + c.partition + ":s3:::" + id, "region": c.region,
		"bucketDomainName":         id + ".s3.amazonaws.com",
		"bucketRegionalDomainName": id + ".s3." + c.region + ".amazonaws.com",
	}
	tagging, err := c.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &id})
	if err := unlessGone(err, "NoSuchTagSet"); err != nil {
		return nil, err
	}
	tags := map[string]string{}
	if tagging != nil {
		for _, tag := range tagging.TagSet {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	out["tags"] = tags
	return out, nil
}

// deleteBucket deletes an empty bucket, or, with forceDestroy, one with everything in it.
func (c *clients) deleteBucket(ctx context.Context, id string, state provider.Values) error {
	_, err := c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &id})
	if hasCode(err, "BucketNotEmpty") && state.Bool("forceDestroy") {
		// moto fails to delete markers in a bucket with suspended versioning, which it is once the versioning resource is
		// deleted.
		if _, err := c.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket: &id, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		}); err != nil {
			return unlessGone(err, noBucket...)
		}
		if err := c.emptyBucket(ctx, id, ""); err != nil {
			return err
		}
		_, err = c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &id})
	}
	return unlessGone(err, noBucket...)
}

// emptyBucket deletes all versions of one key, or of all keys when key is "".
func (c *clients) emptyBucket(ctx context.Context, id, key string) error {
	pages := s3.NewListObjectVersionsPaginator(c.s3, &s3.ListObjectVersionsInput{Bucket: &id, Prefix: &key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unlessGone(err, noBucket...)
		}
		versions := map[*string]*string{}
		for _, version := range page.Versions {
			versions[version.VersionId] = version.Key
		}
		for _, marker := range page.DeleteMarkers {
			versions[marker.VersionId] = marker.Key
		}
		for version, name := range versions {
			if key != "" && aws.ToString(name) != key {
				continue
			}
			_, err := c.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &id, Key: name, VersionId: version})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
