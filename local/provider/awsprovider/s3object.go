package awsprovider

import (
	"bytes"
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"webstack/local/provider"
)

// uploaded are the inputs whose change uploads the object again.
var uploaded = []string{"source", "content", "contentType"}

// noObject are S3's codes for an object, or its bucket, that does not exist.
var noObject = []string{"NoSuchBucket", "NoSuchKey", "NotFound"}

func (c *clients) bucketObject() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "key", Max: 1024, NoSuffix: true},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"bucket":      {Required: true, Replace: true},
			"key":         {Computed: true, Replace: true},
			"source":      {InputOnly: true},
			"content":     {InputOnly: true},
			"contentType": {Computed: true},
			"etag":        {Output: true},
			"versionId":   {Output: true},
			"arn":         {Output: true},
		}),
		Validate: func(in provider.Values) []string { return conflicts(in, "source", "content") },
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			if err := c.putObject(ctx, in); err != nil {
				return "", err
			}
			return in.Str("key"), nil
		},
		Read:   c.readObject,
		Update: c.updateObject,
		Delete: c.deleteObject,
		Import: func(_ context.Context, id string) (string, provider.Values, error) {
			bucket, key, err := cutID(strings.TrimPrefix(id, "s3://"), "/")
			return key, provider.Values{"bucket": bucket, "key": key}, err
		},
		Recomputed: func(changed func(...string) bool) []string {
			if changed(uploaded...) {
				return []string{"versionId"}
			}
			return nil
		},
	}
}

// objectBody returns what to upload: the text, or the file that the program named.
func objectBody(in provider.Values) ([]byte, error) {
	if asset := in.Asset("source"); asset != nil {
		return asset.Bytes()
	}
	return []byte(in.Str("content")), nil
}

func (c *clients) putObject(ctx context.Context, in provider.Values) error {
	body, err := objectBody(in)
	if err != nil {
		return err
	}
	_, err = c.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: optional(in, "bucket"), Key: optional(in, "key"), Body: bytes.NewReader(body),
		ContentType: optional(in, "contentType"), Tagging: tagging(in),
	})
	return err
}

// tagging returns all tags in the form that goes along with an upload.
func tagging(in provider.Values) *string {
	tags := url.Values{}
	for key, value := range in.StrMap("tagsAll") {
		tags.Set(key, value)
	}
	return aws.String(tags.Encode())
}

// updateObject uploads again unless only the tags changed.
func (c *clients) updateObject(ctx context.Context, change provider.Change) error {
	if change.Changed(uploaded...) {
		return c.putObject(ctx, inherited(change, "contentType"))
	}
	if !change.Changed("tagsAll") {
		return nil
	}
	var set []types.Tag
	for _, tag := range iamTags(change.New) {
		set = append(set, types.Tag{Key: tag.Key, Value: tag.Value})
	}
	_, err := c.s3.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
		Bucket: optional(change.New, "bucket"), Key: &change.ID, Tagging: &types.Tagging{TagSet: set},
	})
	return err
}

func (c *clients) readObject(ctx context.Context, id string, known provider.Values) (provider.Values, error) {
	bucket := known.Str("bucket")
	found, err := c.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &id})
	if err != nil {
		return nil, gone(err, noObject...)
	}
	tagged, err := c.s3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &id})
	if err != nil {
		return nil, gone(err, noObject...)
	}
	tags := map[string]string{}
	for _, tag := range tagged.TagSet {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return provider.Values{
		"bucket": bucket, "key": id, "contentType": found.ContentType,
		"etag": strings.Trim(aws.ToString(found.ETag), `"`), "versionId": aws.ToString(found.VersionId),
		"arn": "arn:" + c.partition + ":s3:::" + bucket + "/" + id, "tags": tags,
	}, nil
}

// deleteObject deletes all versions where there are versions.
func (c *clients) deleteObject(ctx context.Context, id string, state provider.Values) error {
	bucket := state.Str("bucket")
	if state.Str("versionId") != "" {
		return c.emptyBucket(ctx, bucket, id)
	}
	_, err := c.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &id})
	return unlessGone(err, noObject...)
}
