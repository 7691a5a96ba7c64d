package verify

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

// Options say what to verify, and from where.
type Options struct {
	Stack *operate.Stack
	// NameServer is the HOST:PORT of the name server to use; "" means the system's.
	NameServer string
	// Emulated means that the stack is on the laptop cloud, where the apps have no public DNS and no proxy.
	Emulated bool
	// Dial opens the connections to the apps; nil dials the host's public address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// The calls that the checks make, by service. They only read.
type (
	ec2API interface {
		ec2.DescribeVpcsAPIClient
		ec2.DescribeSubnetsAPIClient
		ec2.DescribeRouteTablesAPIClient
		ec2.DescribeVpcEndpointsAPIClient
		ec2.DescribeSecurityGroupRulesAPIClient
		ec2.DescribeVolumesAPIClient
		DescribeAddresses(
			context.Context, *ec2.DescribeAddressesInput, ...func(*ec2.Options),
		) (*ec2.DescribeAddressesOutput, error)
	}
	ssmAPI interface {
		ssm.ListAssociationsAPIClient
		ssm.DescribeAssociationExecutionsAPIClient
		ssm.DescribeAssociationExecutionTargetsAPIClient
		ssm.ListCommandInvocationsAPIClient
		DescribeAssociation(
			context.Context, *ssm.DescribeAssociationInput, ...func(*ssm.Options),
		) (*ssm.DescribeAssociationOutput, error)
		DescribeDocument(
			context.Context, *ssm.DescribeDocumentInput, ...func(*ssm.Options),
		) (*ssm.DescribeDocumentOutput, error)
		GetConnectionStatus(
			context.Context, *ssm.GetConnectionStatusInput, ...func(*ssm.Options),
		) (*ssm.GetConnectionStatusOutput, error)
		GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	}
	s3API interface {
		s3.ListBucketsAPIClient
		s3.ListObjectsV2APIClient
		GetBucketTagging(
			context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options),
		) (*s3.GetBucketTaggingOutput, error)
		GetBucketVersioning(
			context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options),
		) (*s3.GetBucketVersioningOutput, error)
		GetBucketEncryption(
			context.Context, *s3.GetBucketEncryptionInput, ...func(*s3.Options),
		) (*s3.GetBucketEncryptionOutput, error)
		GetPublicAccessBlock(
			context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options),
		) (*s3.GetPublicAccessBlockOutput, error)
		GetBucketPolicy(
			context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options),
		) (*s3.GetBucketPolicyOutput, error)
		GetBucketLifecycleConfiguration(
			context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options),
		) (*s3.GetBucketLifecycleConfigurationOutput, error)
	}
	ecrAPI interface {
		ecr.DescribeRepositoriesAPIClient
		ecr.DescribeImagesAPIClient
		GetLifecyclePolicy(
			context.Context, *ecr.GetLifecyclePolicyInput, ...func(*ecr.Options),
		) (*ecr.GetLifecyclePolicyOutput, error)
	}
	iamAPI interface {
		GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	}
	kmsAPI interface {
		DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
		GetKeyRotationStatus(
			context.Context, *kms.GetKeyRotationStatusInput, ...func(*kms.Options),
		) (*kms.GetKeyRotationStatusOutput, error)
	}
	rdsAPI interface {
		rds.DescribeDBInstancesAPIClient
	}
	// stackAPI is what the checks need from package operate.
	stackAPI interface {
		Host(ctx context.Context) (operate.Host, error)
		Reachable(ctx context.Context) (operate.Host, error)
		Status(ctx context.Context, host operate.Host, progress func(string)) (contract.Status, error)
	}
)

// world is everything that the checks look at.
type world struct {
	project, stack, region, account string
	config                          *config.Config
	now                             time.Time
	// limit is how long one request to an app or a name server may take.
	limit time.Duration

	api   stackAPI
	ec2   ec2API
	ssm   ssmAPI
	s3    s3API
	ecr   ecrAPI
	iam   iamAPI
	kms   kmsAPI
	rds   rdsAPI
	names resolver
	// here finds addresses the way this computer does; nil if that proves nothing.
	here resolver
	// emulated: see Options.
	emulated bool
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	roots    *x509.CertPool // nil: the system's

	// What several checks need is asked for once.
	host    func(context.Context) (operate.Host, error)
	reached func(context.Context) (operate.Host, error)
	status  func(context.Context) (contract.Status, error)
	vpc     func(context.Context) (ec2types.Vpc, error)
	tables  func(context.Context) (routeTables, error)
	subnets func(context.Context) ([]ec2types.Subnet, error)
	bucket  func(context.Context) (backupBucket, error)
}

func newWorld(o Options) *world {
	s := o.Stack
	w := &world{
		project: s.Project, stack: s.Name, region: s.Region, account: s.Account, config: s.Config, now: time.Now(), api: s,
		limit: usualLimit,
		ec2:   ec2.NewFromConfig(s.AWS), ssm: ssm.NewFromConfig(s.AWS), ecr: ecr.NewFromConfig(s.AWS),
		iam: iam.NewFromConfig(s.AWS), kms: kms.NewFromConfig(s.AWS), rds: rds.NewFromConfig(s.AWS),
		// Unless the endpoint is AWS's own, buckets do not have their own host names.
		s3:    s3.NewFromConfig(s.AWS, func(options *s3.Options) { options.UsePathStyle = s.AWS.BaseEndpoint != nil }),
		names: newResolver(o.NameServer), emulated: o.Emulated, dial: o.Dial,
	}
	if w.dial == nil {
		w.dial = (&net.Dialer{}).DialContext
	}
	if o.NameServer == "" && !o.Emulated {
		w.here = system{}
	}
	w.share()
	return w
}

// share sets up the requests that are made once.
func (w *world) share() {
	w.host = once("host.running", w.api.Host)
	w.reached = once("system.agent", w.api.Reachable)
	w.status = once("system.status", func(ctx context.Context) (contract.Status, error) {
		host, err := w.reached(ctx)
		if err != nil {
			return contract.Status{}, err
		}
		return w.api.Status(ctx, host, nil)
	})
	w.vpc = once("network.vpc", w.findVpc)
	w.subnets = once("network.subnets", w.findSubnets)
	w.tables = once("network.routes", w.findTables)
	w.bucket = once("backups.bucket", w.findBucket)
}

// once keeps the first answer of ask. An error belongs to the check with that name.
func once[T any](check string, ask func(context.Context) (T, error)) func(context.Context) (T, error) {
	var mu sync.Mutex
	var asked bool
	var answer T
	var err error
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if !asked {
			asked = true
			answer, err = ask(ctx)
			if first := (*dependsOn)(nil); err != nil && !errors.As(err, &first) {
				err = &dependsOn{check: check, err: err}
			}
		}
		return answer, err
	}
}

// usualLimit is longer than the 10 seconds that Caddy waits for an app before it answers 502.
const usualLimit = 15 * time.Second
