package verify

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

// stand is an account with a stack in which all is well, until a test breaks something in it.
type stand struct {
	config       *config.Config
	host         operate.Host
	hostErr      error
	reachErr     error
	status       contract.Status
	statusErr    error
	vpcs         []ec2types.Vpc
	subnets      []ec2types.Subnet
	tables       []ec2types.RouteTable
	endpoints    []ec2types.VpcEndpoint
	rules        []ec2types.SecurityGroupRule
	volumes      []ec2types.Volume
	addresses    []ec2types.Address
	connection   ssmtypes.ConnectionStatus
	documents    map[string]ssmtypes.DocumentStatus
	latest       map[string]string // latest versions of documents, where it is not the default one
	associations map[string]*ssmtypes.AssociationDescription
	steps        map[string][]ssmtypes.CommandPlugin // by run of an association
	parameters   map[string]string
	buckets      []s3types.Bucket
	tags         []s3types.Tag
	versioning   s3types.BucketVersioningStatus
	encryption   *s3types.ServerSideEncryptionConfiguration
	block        *s3types.PublicAccessBlockConfiguration
	policy       string
	lifecycle    []s3types.LifecycleRule
	objects      []s3types.Object
	repositories map[string]ecrtypes.Repository
	expiring     map[string]bool
	images       map[string]string // a digest by repository
	roles        map[string]string
	key          *kmstypes.KeyMetadata
	rotated      bool
	databases    []rdstypes.DBInstance
	names        map[string][]string
	here         map[string][]string // nil: not asked
	emulated     bool
	errs         map[string]error // by call
	site         *site
	roots        *x509.CertPool
	now          time.Time
	limit        time.Duration
}

func ptr[T any](v T) *T { return &v }

func refused(code string) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }

const (
	publicAddress = "203.0.113.10"
	publicIPv6    = "2001:db8::10"
	manifestSum   = "8c6be73703d8e445a441e3669460c86d84cee17eef42230f22d90e834cdb6700"
	theBucket     = "webstack-dev-backups-0a1b2c3"
	shopRelease   = "/webstack/dev/apps/shop/release"
	shopDeploy    = "/webstack/dev/apps/shop/deploy"
)

// newStand makes the account of a stack with two apps: shop with a release, blog without one.
func newStand(t *testing.T) *stand {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	s := &stand{now: now, errs: map[string]error{}, rotated: true, limit: usualLimit}
	s.config = &config.Config{
		InstanceType: "t4g.small", UseEip: true, VpcCidr: "10.20.0.0/16", NatMode: config.NatNone, Acme: "internal",
		EnablePgDumpToS3: true, PostgresDefaultDb: "app", BackupSchedule: "nightly", BackupRetentionDays: 30, EnableDns: true, ActiveApp: "shop",
		Apps: []config.App{
			{Name: "blog", Domain: "blog.example.com", RepoName: "webstack-dev/blog"},
			{Name: "shop", Domain: "shop.example.com", Aliases: []string{"www.shop.example.com"},
				RepoName: "webstack-dev/shop", GithubRepo: "example/shop", GithubBranch: "main"},
		},
	}
	s.network()
	s.machine()
	s.system()
	s.storage()
	s.registry()
	s.site = newSite(t, now)
	s.status.Authority = s.site.ca.pem
	s.names = map[string][]string{
		"shop.example.com": {publicAddress}, "www.shop.example.com": {publicAddress}, "blog.example.com": {publicAddress},
	}
	return s
}

func (s *stand) network() {
	s.vpcs = []ec2types.Vpc{{VpcId: ptr("vpc-1"), CidrBlock: ptr("10.20.0.0/16")}}
	for i, tier := range []string{public, public, privateApp, privateApp, privateDb, privateDb} {
		s.subnets = append(s.subnets, ec2types.Subnet{
			SubnetId: ptr("subnet-" + string(rune('1'+i))), AvailabilityZone: ptr("eu-central-1" + string(rune('a'+i%2))),
			CidrBlock: ptr(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 20, byte(i * 32), 0}), 19).String()),
			Tags:      []ec2types.Tag{{Key: ptr("Tier"), Value: &tier}},
		})
	}
	s.tables = []ec2types.RouteTable{
		{RouteTableId: ptr("rtb-main"), Associations: []ec2types.RouteTableAssociation{{Main: ptr(true)}}},
		{RouteTableId: ptr("rtb-public"), Routes: []ec2types.Route{{
			DestinationCidrBlock: ptr("0.0.0.0/0"), GatewayId: ptr("igw-1"),
		}}, Associations: joins("subnet-1", "subnet-2")},
		{RouteTableId: ptr("rtb-app"), Associations: joins("subnet-3", "subnet-4")},
		{RouteTableId: ptr("rtb-db"), Associations: joins("subnet-5", "subnet-6")},
	}
	for _, service := range []string{"s3", "dynamodb"} {
		s.endpoints = append(s.endpoints, ec2types.VpcEndpoint{
			VpcEndpointId: ptr("vpce-" + service), ServiceName: ptr("com.amazonaws.eu-central-1." + service),
			VpcEndpointType: ec2types.VpcEndpointTypeGateway, State: ec2types.StateAvailable,
			RouteTableIds: []string{"rtb-main", "rtb-public", "rtb-app", "rtb-db"},
		})
	}
}

func joins(subnets ...string) (out []ec2types.RouteTableAssociation) {
	for _, subnet := range subnets {
		out = append(out, ec2types.RouteTableAssociation{SubnetId: &subnet, Main: ptr(false)})
	}
	return out
}

func (s *stand) machine() {
	s.host = operate.Host{InstanceID: "i-1", State: "running", PublicIP: publicAddress, Instance: ec2types.Instance{
		InstanceType: "t4g.small", SubnetId: ptr("subnet-1"),
		SecurityGroups: []ec2types.GroupIdentifier{{GroupId: ptr("sg-1")}},
		MetadataOptions: &ec2types.InstanceMetadataOptionsResponse{
			HttpTokens: ec2types.HttpTokensStateRequired, HttpPutResponseHopLimit: ptr(int32(1)),
		},
	}}
	s.rules = []ec2types.SecurityGroupRule{
		ingress("tcp", 80, "0.0.0.0/0"), ingress("tcp", 443, "0.0.0.0/0"), ingress("udp", 443, "0.0.0.0/0"),
		{IsEgress: ptr(true), IpProtocol: ptr("-1"), CidrIpv4: ptr("0.0.0.0/0")},
	}
	s.addresses = []ec2types.Address{{PublicIp: ptr(publicAddress)}}
	s.volumes = []ec2types.Volume{{
		VolumeId: ptr("vol-1"), Size: ptr(int32(20)), Encrypted: ptr(true),
		Attachments: []ec2types.VolumeAttachment{{
			InstanceId: ptr("i-1"), Device: ptr("/dev/sdf"), DeleteOnTermination: ptr(false),
		}},
	}}
}

func ingress(protocol string, port int32, cidr string) ec2types.SecurityGroupRule {
	rule := ec2types.SecurityGroupRule{IsEgress: ptr(false), IpProtocol: &protocol, FromPort: &port, ToPort: &port}
	if strings.Contains(cidr, ":") {
		rule.CidrIpv6 = &cidr
	} else {
		rule.CidrIpv4 = &cidr
	}
	return rule
}

func (s *stand) system() {
	s.connection = ssmtypes.ConnectionStatusConnected
	s.documents = map[string]ssmtypes.DocumentStatus{}
	for _, name := range []string{"converge", "status", "logs", "backup", "restore", "deploy-shop", "deploy-blog"} {
		s.documents["webstack-dev-"+name] = ssmtypes.DocumentStatusActive
	}
	success := func() *ssmtypes.AssociationOverview { return &ssmtypes.AssociationOverview{Status: ptr("Success")} }
	s.associations = map[string]*ssmtypes.AssociationDescription{
		"webstack-dev-converge": {
			AssociationId: ptr("a-1"), AssociationName: ptr("webstack-dev-converge"), Overview: success(),
			Parameters: map[string][]string{"manifestSha256": {manifestSum}},
		},
	}
	s.parameters = map[string]string{
		shopRelease: "v7@sha256:" + manifestSum, "/webstack/dev/apps/blog/release": contract.NoRelease,
		shopDeploy: contract.Deploy{
			At: s.now, Release: "v7@sha256:" + manifestSum, Result: contract.DeploySucceeded,
			By: "arn:aws:sts::123456789012:assumed-role/admin/ann",
		}.Encode(),
		"/webstack/dev/apps/blog/deploy": contract.NoDeploy,
	}
	up := s.now.Add(-time.Hour)
	running := func(name string) contract.ServiceStatus {
		return contract.ServiceStatus{Name: name, State: "running", Health: contract.HealthHealthy, Since: up}
	}
	caddy := running("caddy")
	caddy.Ports = []string{"0.0.0.0:80/tcp", "0.0.0.0:443/tcp", "0.0.0.0:443/udp"}
	s.status = contract.Status{
		Version: contract.StatusVersion, At: s.now, Boot: up, Manifest: manifestSum, DataMounted: true, Docker: "29.1.3",
		Disks: []contract.DiskStatus{
			{Path: "/", Total: 1000, Free: 500, Inodes: 100, InodesFree: 50},
			{Path: contract.DataDir, Total: 1000, Free: 500, Inodes: 100, InodesFree: 50},
		},
		Connections:   &contract.ConnectionStatus{Used: 3, Limit: 92, Guarded: true},
		PostgresReady: true, WebGuarded: true, Services: []contract.ServiceStatus{caddy, running("postgres")},
		Apps: []contract.AppStatus{
			{ServiceStatus: contract.ServiceStatus{Name: "blog", Health: contract.HealthNone}, Domain: "blog.example.com",
				Database: &contract.DatabaseStatus{Limit: 46}},
			{ServiceStatus: running("shop"), Domain: "shop.example.com", Release: "v7@sha256:" + manifestSum,
				Database: &contract.DatabaseStatus{Used: 3, Sockets: 3, Limit: 46, Size: 7 << 20}},
		},
	}
}

func (s *stand) storage() {
	s.buckets = []s3types.Bucket{
		{Name: ptr("webstack-dev-artifacts-1234567"), CreationDate: ptr(s.now)},
		{Name: ptr(theBucket), CreationDate: ptr(s.now.Add(-90 * 24 * time.Hour))},
	}
	s.tags = []s3types.Tag{{Key: ptr("Project"), Value: ptr("webstack")}, {Key: ptr("Stack"), Value: ptr("dev")}}
	s.versioning = s3types.BucketVersioningStatusEnabled
	s.encryption = &s3types.ServerSideEncryptionConfiguration{Rules: []s3types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{SSEAlgorithm: "AES256"},
	}}}
	s.block = &s3types.PublicAccessBlockConfiguration{
		BlockPublicAcls: ptr(true), BlockPublicPolicy: ptr(true), IgnorePublicAcls: ptr(true),
		RestrictPublicBuckets: ptr(true),
	}
	s.policy = `{"Statement":[{"Effect":"Deny","Condition":{"Bool":{"aws:SecureTransport":["false"]}}}]}`
	s.lifecycle = []s3types.LifecycleRule{{
		Status: s3types.ExpirationStatusEnabled, Filter: &s3types.LifecycleRuleFilter{Prefix: ptr("postgres/backups/")},
		Expiration: &s3types.LifecycleExpiration{Days: ptr(int32(30))},
	}}
	s.objects = []s3types.Object{
		// The one of yesterday, and that of today in the order of the keys.
		object(contract.BackupKey(contract.BackupID(s.now.Add(-34*time.Hour)), "shop", contract.BackupManifest)),
	}
	for _, database := range []string{"app", "blog", "shop"} {
		id := contract.BackupID(s.now.Add(-10 * time.Hour))
		s.objects = append(s.objects, object(contract.BackupKey(id, database, contract.BackupDump)),
			object(contract.BackupKey(id, database, contract.BackupManifest)))
	}
	s.key = &kmstypes.KeyMetadata{KeyId: ptr("key-1"), KeyState: kmstypes.KeyStateEnabled}
	s.databases = []rdstypes.DBInstance{{PubliclyAccessible: ptr(false), DeletionProtection: ptr(true)}}
}

func object(key string) s3types.Object {
	return s3types.Object{Key: &key, LastModified: ptr(time.Now())}
}

func (s *stand) registry() {
	s.repositories, s.expiring = map[string]ecrtypes.Repository{}, map[string]bool{}
	for _, app := range s.config.Apps {
		s.repositories[app.RepoName] = ecrtypes.Repository{
			ImageTagMutability:         ecrtypes.ImageTagMutabilityImmutable,
			ImageScanningConfiguration: &ecrtypes.ImageScanningConfiguration{ScanOnPush: true},
		}
		s.expiring[app.RepoName] = true
	}
	s.images = map[string]string{"webstack-dev/shop": "sha256:" + manifestSum}
	s.roles = map[string]string{"webstack-dev-deploy-shop": trustOf("repo:example/shop:ref:refs/heads/main")}
}

func trustOf(subject string) string {
	return `%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Condition%22%3A%7B%22StringEquals%22%3A%7B%22` +
		`token.actions.githubusercontent.com%3Asub%22%3A%5B%22` + strings.ReplaceAll(subject, "/", "%2F") +
		`%22%5D%7D%7D%7D%5D%7D`
}

// world is what the checks look at.
func (s *stand) world() *world {
	w := &world{
		project: "webstack", stack: "dev", region: "eu-central-1", account: "123456789012", config: s.config, now: s.now,
		limit: s.limit,
		api:   standStack{s}, ec2: s, ssm: s, s3: s, ecr: s, iam: s, kms: s, rds: s, names: s, dial: s.site.dial,
		roots: s.roots, emulated: s.emulated,
	}
	if s.here != nil {
		w.here = &stand{names: s.here}
	}
	if w.roots == nil {
		w.roots = x509.NewCertPool() // as if no certificate of the test's were trusted by the system
	}
	w.share()
	return w
}

// standStack is what package operate finds out.
type standStack struct{ *stand }

func (s standStack) Host(context.Context) (operate.Host, error) { return s.host, s.hostErr }

func (s standStack) Reachable(context.Context) (operate.Host, error) { return s.host, s.reachErr }

func (s standStack) Status(context.Context, operate.Host, func(string)) (contract.Status, error) {
	return s.status, s.statusErr
}

func (s *stand) lookup(_ context.Context, name string) (answered, error) {
	addresses, ok := s.names[name]
	if !ok {
		return answered{}, fmt.Errorf("%w in DNS, according to 192.0.2.53", errNoName)
	}
	return answered{addresses: slices.Sorted(slices.Values(addresses)), server: "192.0.2.53", ttl: 5 * time.Minute}, nil
}

// The calls below answer with what the stand holds, or with the error that a test gives the call.

func (s *stand) DescribeVpcs(
	context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options),
) (*ec2.DescribeVpcsOutput, error) {
	return &ec2.DescribeVpcsOutput{Vpcs: s.vpcs}, s.errs["DescribeVpcs"]
}

func (s *stand) DescribeSubnets(
	context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options),
) (*ec2.DescribeSubnetsOutput, error) {
	return &ec2.DescribeSubnetsOutput{Subnets: s.subnets}, s.errs["DescribeSubnets"]
}

func (s *stand) DescribeRouteTables(
	context.Context, *ec2.DescribeRouteTablesInput, ...func(*ec2.Options),
) (*ec2.DescribeRouteTablesOutput, error) {
	return &ec2.DescribeRouteTablesOutput{RouteTables: s.tables}, s.errs["DescribeRouteTables"]
}

func (s *stand) DescribeVpcEndpoints(
	context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options),
) (*ec2.DescribeVpcEndpointsOutput, error) {
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: s.endpoints}, s.errs["DescribeVpcEndpoints"]
}

func (s *stand) DescribeSecurityGroupRules(
	context.Context, *ec2.DescribeSecurityGroupRulesInput, ...func(*ec2.Options),
) (*ec2.DescribeSecurityGroupRulesOutput, error) {
	return &ec2.DescribeSecurityGroupRulesOutput{SecurityGroupRules: s.rules}, s.errs["DescribeSecurityGroupRules"]
}

func (s *stand) DescribeVolumes(
	context.Context, *ec2.DescribeVolumesInput, ...func(*ec2.Options),
) (*ec2.DescribeVolumesOutput, error) {
	return &ec2.DescribeVolumesOutput{Volumes: s.volumes}, s.errs["DescribeVolumes"]
}

func (s *stand) DescribeAddresses(
	context.Context, *ec2.DescribeAddressesInput, ...func(*ec2.Options),
) (*ec2.DescribeAddressesOutput, error) {
	return &ec2.DescribeAddressesOutput{Addresses: s.addresses}, s.errs["DescribeAddresses"]
}

func (s *stand) ListAssociations(
	_ context.Context, in *ssm.ListAssociationsInput, _ ...func(*ssm.Options),
) (*ssm.ListAssociationsOutput, error) {
	out := &ssm.ListAssociationsOutput{}
	if found := s.associations[*in.AssociationFilterList[0].Value]; found != nil {
		out.Associations = []ssmtypes.Association{{
			AssociationName: found.AssociationName, AssociationId: found.AssociationId,
		}}
	}
	return out, s.errs["ListAssociations"]
}

func (s *stand) DescribeAssociation(
	_ context.Context, in *ssm.DescribeAssociationInput, _ ...func(*ssm.Options),
) (*ssm.DescribeAssociationOutput, error) {
	out := &ssm.DescribeAssociationOutput{}
	for _, association := range s.associations {
		if *association.AssociationId == *in.AssociationId {
			out.AssociationDescription = association
		}
	}
	return out, s.errs["DescribeAssociation"]
}

func (s *stand) DescribeAssociationExecutions(
	context.Context, *ssm.DescribeAssociationExecutionsInput, ...func(*ssm.Options),
) (*ssm.DescribeAssociationExecutionsOutput, error) {
	return &ssm.DescribeAssociationExecutionsOutput{AssociationExecutions: []ssmtypes.AssociationExecution{
		{ExecutionId: ptr("older"), CreatedTime: ptr(s.status.At.Add(-time.Hour))},
		{ExecutionId: ptr("newest"), CreatedTime: ptr(s.status.At)},
	}}, s.errs["DescribeAssociationExecutions"]
}

func (s *stand) DescribeAssociationExecutionTargets(
	_ context.Context, in *ssm.DescribeAssociationExecutionTargetsInput, _ ...func(*ssm.Options),
) (*ssm.DescribeAssociationExecutionTargetsOutput, error) {
	return &ssm.DescribeAssociationExecutionTargetsOutput{AssociationExecutionTargets: []ssmtypes.AssociationExecutionTarget{{
		ResourceId: ptr("i-1"), OutputSource: &ssmtypes.OutputSource{OutputSourceId: in.ExecutionId},
	}}}, nil
}

func (s *stand) ListCommandInvocations(
	_ context.Context, in *ssm.ListCommandInvocationsInput, _ ...func(*ssm.Options),
) (*ssm.ListCommandInvocationsOutput, error) {
	return &ssm.ListCommandInvocationsOutput{CommandInvocations: []ssmtypes.CommandInvocation{{
		CommandPlugins: s.steps[*in.CommandId],
	}}}, nil
}

func (s *stand) DescribeDocument(
	_ context.Context, in *ssm.DescribeDocumentInput, _ ...func(*ssm.Options),
) (*ssm.DescribeDocumentOutput, error) {
	if status, ok := s.documents[*in.Name]; ok || s.errs["DescribeDocument"] != nil {
		return &ssm.DescribeDocumentOutput{Document: &ssmtypes.DocumentDescription{
			Status: status, DefaultVersion: ptr("1"), LatestVersion: ptr(cmp.Or(s.latest[*in.Name], "1")),
		}}, s.errs["DescribeDocument"]
	}
	return nil, refused("InvalidDocument")
}

func (s *stand) GetConnectionStatus(
	context.Context, *ssm.GetConnectionStatusInput, ...func(*ssm.Options),
) (*ssm.GetConnectionStatusOutput, error) {
	return &ssm.GetConnectionStatusOutput{Status: s.connection}, s.errs["GetConnectionStatus"]
}

func (s *stand) GetParameter(
	_ context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options),
) (*ssm.GetParameterOutput, error) {
	if value, ok := s.parameters[*in.Name]; ok || s.errs["GetParameter"] != nil {
		return &ssm.GetParameterOutput{Parameter: &ssmtypes.Parameter{Value: &value}}, s.errs["GetParameter"]
	}
	return nil, refused("ParameterNotFound")
}

func (s *stand) ListBuckets(
	context.Context, *s3.ListBucketsInput, ...func(*s3.Options),
) (*s3.ListBucketsOutput, error) {
	return &s3.ListBucketsOutput{Buckets: s.buckets}, s.errs["ListBuckets"]
}

func (s *stand) GetBucketTagging(
	context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options),
) (*s3.GetBucketTaggingOutput, error) {
	return &s3.GetBucketTaggingOutput{TagSet: s.tags}, s.errs["GetBucketTagging"]
}

func (s *stand) GetBucketVersioning(
	context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options),
) (*s3.GetBucketVersioningOutput, error) {
	return &s3.GetBucketVersioningOutput{Status: s.versioning}, s.errs["GetBucketVersioning"]
}

func (s *stand) GetBucketEncryption(
	context.Context, *s3.GetBucketEncryptionInput, ...func(*s3.Options),
) (*s3.GetBucketEncryptionOutput, error) {
	return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: s.encryption}, s.errs["GetBucketEncryption"]
}

func (s *stand) GetPublicAccessBlock(
	context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options),
) (*s3.GetPublicAccessBlockOutput, error) {
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: s.block}, s.errs["GetPublicAccessBlock"]
}

func (s *stand) GetBucketPolicy(
	context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options),
) (*s3.GetBucketPolicyOutput, error) {
	return &s3.GetBucketPolicyOutput{Policy: &s.policy}, s.errs["GetBucketPolicy"]
}

func (s *stand) GetBucketLifecycleConfiguration(
	context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options),
) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: s.lifecycle}, s.errs["GetBucketLifecycleConfiguration"]
}

func (s *stand) ListObjectsV2(
	context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options),
) (*s3.ListObjectsV2Output, error) {
	return &s3.ListObjectsV2Output{Contents: s.objects}, s.errs["ListObjectsV2"]
}

func (s *stand) DescribeRepositories(
	_ context.Context, in *ecr.DescribeRepositoriesInput, _ ...func(*ecr.Options),
) (*ecr.DescribeRepositoriesOutput, error) {
	if found, ok := s.repositories[in.RepositoryNames[0]]; ok || s.errs["DescribeRepositories"] != nil {
		return &ecr.DescribeRepositoriesOutput{Repositories: []ecrtypes.Repository{found}}, s.errs["DescribeRepositories"]
	}
	return nil, refused("RepositoryNotFoundException")
}

func (s *stand) DescribeImages(
	_ context.Context, in *ecr.DescribeImagesInput, _ ...func(*ecr.Options),
) (*ecr.DescribeImagesOutput, error) {
	if s.errs["DescribeImages"] != nil {
		return nil, s.errs["DescribeImages"]
	}
	if id := in.ImageIds[0]; id.ImageDigest == nil && *id.ImageTag != "v7" ||
		id.ImageDigest != nil && *id.ImageDigest != s.images[*in.RepositoryName] {
		return nil, refused("ImageNotFoundException")
	}
	return &ecr.DescribeImagesOutput{ImageDetails: []ecrtypes.ImageDetail{{ImagePushedAt: &s.now}}}, nil
}

func (s *stand) GetLifecyclePolicy(
	_ context.Context, in *ecr.GetLifecyclePolicyInput, _ ...func(*ecr.Options),
) (*ecr.GetLifecyclePolicyOutput, error) {
	if !s.expiring[*in.RepositoryName] {
		return nil, refused("LifecyclePolicyNotFoundException")
	}
	return &ecr.GetLifecyclePolicyOutput{}, s.errs["GetLifecyclePolicy"]
}

func (s *stand) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	if trust, ok := s.roles[*in.RoleName]; ok || s.errs["GetRole"] != nil {
		return &iam.GetRoleOutput{Role: &iamtypes.Role{AssumeRolePolicyDocument: &trust}}, s.errs["GetRole"]
	}
	return nil, refused("NoSuchEntity")
}

func (s *stand) DescribeKey(
	context.Context, *kms.DescribeKeyInput, ...func(*kms.Options),
) (*kms.DescribeKeyOutput, error) {
	return &kms.DescribeKeyOutput{KeyMetadata: s.key}, s.errs["DescribeKey"]
}

func (s *stand) GetKeyRotationStatus(
	context.Context, *kms.GetKeyRotationStatusInput, ...func(*kms.Options),
) (*kms.GetKeyRotationStatusOutput, error) {
	return &kms.GetKeyRotationStatusOutput{KeyRotationEnabled: s.rotated}, s.errs["GetKeyRotationStatus"]
}

func (s *stand) DescribeDBInstances(
	context.Context, *rds.DescribeDBInstancesInput, ...func(*rds.Options),
) (*rds.DescribeDBInstancesOutput, error) {
	return &rds.DescribeDBInstancesOutput{DBInstances: s.databases}, s.errs["DescribeDBInstances"]
}
