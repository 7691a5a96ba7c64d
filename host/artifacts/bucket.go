package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Bucket is one S3 bucket.
type Bucket struct {
	client *s3.Client
	name   string
}

// Open prepares to read the bucket with this name. If region is "", it is taken from the environment or, on an
// instance, from its metadata.
func Open(ctx context.Context, region, name string) (*Bucket, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithEC2IMDSRegion())
	if err != nil {
		return nil, fmt.Errorf("load AWS settings: %w; outside an EC2 instance, set --region and AWS credentials", err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		// A custom endpoint rarely has DNS names for buckets.
		o.UsePathStyle = o.BaseEndpoint != nil
		// Every object is checked against the bundle's own checksums.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &Bucket{client: client, name: name}, nil
}

// Get opens the object at key. The caller closes it.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(b.name), Key: aws.String(key)})
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		return nil, fmt.Errorf("get s3://%s/%s: the object is missing; run pulumi up --refresh to upload it", b.name, key)
	}
	if err != nil {
		return nil, fmt.Errorf("get s3://%s/%s: %w", b.name, key, err)
	}
	return out.Body, nil
}
