package appcompose

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/iampolicy"
	"webstack/naming"
)

// maxBucketBase leaves room for the eight characters that Pulumi adds: a bucket's name has at most 63.
const maxBucketBase = 63 - 8

// oldVersionDays is how long replaced versions of the bundle's files are kept.
const oldVersionDays = 30

// bucket makes the artifacts bucket with all its settings and returns it with those that must be in force before
// objects are put into it. Its content can be made again at any time, so it may be deleted with it.
func (p *publisher) bucket() (*s3.BucketV2, []pulumi.Resource, error) {
	bucket, err := s3.NewBucketV2(p.ctx, naming.Name(maxBucketBase, p.name, "artifacts"), &s3.BucketV2Args{
		ForceDestroy: pulumi.Bool(true),
	}, p.child()...)
	if err != nil {
		return nil, nil, fmt.Errorf("make the artifacts bucket: %w", err)
	}
	p.component.BucketName, p.component.BucketArn = bucket.Bucket, bucket.Arn
	var settings []pulumi.Resource
	for _, set := range []func(*s3.BucketV2) (pulumi.Resource, error){
		p.blockPublicAccess, p.ownership, p.encryption, p.versioning,
	} {
		setting, err := set(bucket)
		if err != nil {
			return nil, nil, fmt.Errorf("set up the artifacts bucket: %w", err)
		}
		settings = append(settings, setting)
	}
	// After the first: S3 refuses two changes of a bucket's access at once.
	policy, err := p.onlyTLS(bucket, settings[0])
	if err != nil {
		return nil, nil, fmt.Errorf("set up the artifacts bucket: %w", err)
	}
	// Nothing waits for the lifecycle, which takes half a minute.
	if err := p.lifecycle(bucket); err != nil {
		return nil, nil, fmt.Errorf("set up the artifacts bucket: %w", err)
	}
	return bucket, append(settings, policy), nil
}

func (p *publisher) blockPublicAccess(bucket *s3.BucketV2) (pulumi.Resource, error) {
	return s3.NewBucketPublicAccessBlock(p.ctx, p.name+"-artifacts", &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.Bucket,
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, p.child()...)
}

func (p *publisher) ownership(bucket *s3.BucketV2) (pulumi.Resource, error) {
	return s3.NewBucketOwnershipControls(p.ctx, p.name+"-artifacts", &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.Bucket,
		Rule:   s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, p.child()...)
}

func (p *publisher) encryption(bucket *s3.BucketV2) (pulumi.Resource, error) {
	return s3.NewBucketServerSideEncryptionConfigurationV2(p.ctx, p.name+"-artifacts",
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: bucket.Bucket,
			Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{
				s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
					ApplyServerSideEncryptionByDefault: s3.
						BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
						SseAlgorithm: pulumi.String("AES256"),
					},
				},
			},
		}, p.child()...)
}

func (p *publisher) versioning(bucket *s3.BucketV2) (pulumi.Resource, error) {
	return s3.NewBucketVersioningV2(p.ctx, p.name+"-artifacts", &s3.BucketVersioningV2Args{
		Bucket: bucket.Bucket,
		VersioningConfiguration: s3.BucketVersioningV2VersioningConfigurationArgs{
			Status: pulumi.String("Enabled"),
		},
	}, p.child()...)
}

func (p *publisher) lifecycle(bucket *s3.BucketV2) error {
	_, err := s3.NewBucketLifecycleConfigurationV2(p.ctx, p.name+"-artifacts", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{
			s3.BucketLifecycleConfigurationV2RuleArgs{
				Id:     pulumi.String("old-versions"),
				Status: pulumi.String("Enabled"),
				// A prefix, though it is that of all objects: the provider reads an empty filter back as another one.
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

// onlyTLS refuses every request that is not encrypted on its way.
func (p *publisher) onlyTLS(bucket *s3.BucketV2, after pulumi.Resource) (pulumi.Resource, error) {
	return s3.NewBucketPolicy(p.ctx, p.name+"-artifacts", &s3.BucketPolicyArgs{
		Bucket: bucket.Bucket, Policy: iampolicy.TLSOnly(bucket.Arn, pulumi.Sprintf("%s/*", bucket.Arn)),
	}, p.child(pulumi.DependsOn([]pulumi.Resource{after}))...)
}
