package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// maxAttempts limits the attempts of one API call: the endpoint is on this computer, so a retry rarely helps.
const maxAttempts = 3

// clients are the AWS clients of one configured provider.
type clients struct {
	region, partition, account string

	ec2 *ec2.Client
	ecr *ecr.Client
	iam *iam.Client
	kms *kms.Client
	rds *rds.Client
	s3  *s3.Client
	ssm *ssm.Client
	sts *sts.Client
}

// newClients makes clients for endpoint and looks the account up once.
func newClients(
	ctx context.Context, endpoint string, keys aws.CredentialsProvider, region string,
) (*clients, error) {
	config := aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(endpoint),
		Credentials:  keys,
		Retryer:      func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), maxAttempts) },
	}
	c := &clients{
		region: region, partition: "aws",
		ec2: ec2.NewFromConfig(config), ecr: ecr.NewFromConfig(config), iam: iam.NewFromConfig(config),
		kms: kms.NewFromConfig(config), rds: rds.NewFromConfig(config), ssm: ssm.NewFromConfig(config),
		sts: sts.NewFromConfig(config),
		s3:  s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }),
	}
	identity, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	c.account = aws.ToString(identity.Account)
	return c, nil
}

// arn builds the ARN of something in this provider's region and account.
func (c *clients) arn(service, resource string) string {
	return "arn:" + c.partition + ":" + service + ":" + c.region + ":" + c.account + ":" + resource
}
