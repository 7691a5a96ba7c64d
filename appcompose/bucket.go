package appcompose

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/closedbucket"
	"webstack/internal/naming"
)

// oldVersionDays is how long replaced versions of the bundle's files are kept.
const oldVersionDays = 30

// bucket creates the artifacts bucket with all its settings. It returns the bucket and the settings that must exist
// before objects are stored. The objects can be recreated at any time, so they may be deleted with the bucket.
func (p *publisher) bucket() (*s3.BucketV2, []pulumi.Resource, error) {
	bucket, err := s3.NewBucketV2(p.ctx, naming.Name(closedbucket.MaxName, p.name, "artifacts"), &s3.BucketV2Args{
		ForceDestroy: pulumi.Bool(true),
	}, p.child()...)
	if err != nil {
		return nil, nil, fmt.Errorf("create the artifacts bucket: %w", err)
	}
	p.component.BucketName, p.component.BucketArn = bucket.Bucket, bucket.Arn
	settings, err := closedbucket.Close(p.ctx, p.name+"-artifacts", bucket, nil, p.child()...)
	if err != nil {
		return nil, nil, fmt.Errorf("set up the artifacts bucket: %w", err)
	}
	// Nothing waits for the lifecycle configuration, which takes half a minute.
	if err := p.lifecycle(bucket); err != nil {
		return nil, nil, fmt.Errorf("set up the artifacts bucket: %w", err)
	}
	return bucket, settings, nil
}

func (p *publisher) lifecycle(bucket *s3.BucketV2) error {
	_, err := s3.NewBucketLifecycleConfigurationV2(p.ctx, p.name+"-artifacts", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{
			s3.BucketLifecycleConfigurationV2RuleArgs{
				Id:     pulumi.String("old-versions"),
				Status: pulumi.String("Enabled"),
				// All objects have this prefix, but it is needed: the provider reads back an empty filter as a different one.
				Filter: s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String(contract.BundlePrefix)},
				NoncurrentVersionExpiration: s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
					NoncurrentDays: pulumi.Int(oldVersionDays),
				},
				AbortIncompleteMultipartUpload: s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
					DaysAfterInitiation: pulumi.Int(1),
				},
			},
		},
	}, p.child()...)
	return err
}
