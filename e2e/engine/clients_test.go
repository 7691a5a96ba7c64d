package engine

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/e2e/lab"
)

// seesNetwork checks the network: six subnets by tier, and both gateway endpoints on every route table.
func seesNetwork(t *testing.T, clone *lab.Clone) {
	client := ec2.NewFromConfig(clone.AWS())
	ours := []types.Filter{{Name: aws.String("tag-key"), Values: []string{"Tier"}}}
	subnets, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: ours})
	if err != nil {
		t.Fatal(err)
	}
	tiers := map[string]int{}
	for _, subnet := range subnets.Subnets {
		tiers[tag(subnet.Tags, "Tier")]++
	}
	for _, tier := range []string{"public", "private-app", "private-db"} {
		if tiers[tier] != 2 {
			t.Errorf("%d subnets of tier %s, want 2 (all: %v)", tiers[tier], tier, tiers)
		}
	}
	tables, err := client.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{
		Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{"Stack"}}}})
	if err != nil {
		t.Fatal(err)
	}
	endpoints, err := client.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{})
	if err != nil || len(endpoints.VpcEndpoints) != 2 {
		t.Fatalf("endpoints: %v, %v", endpoints, err)
	}
	for _, endpoint := range endpoints.VpcEndpoints {
		if endpoint.VpcEndpointType != types.VpcEndpointTypeGateway {
			t.Errorf("%s is of type %s", aws.ToString(endpoint.ServiceName), endpoint.VpcEndpointType)
		}
		for _, table := range tables.RouteTables {
			if !slices.Contains(endpoint.RouteTableIds, aws.ToString(table.RouteTableId)) {
				t.Errorf("%s is not on route table %s", aws.ToString(endpoint.ServiceName), tag(table.Tags, "Name"))
			}
		}
	}
}

// seesHost checks the instance: running, with its role, its closed security group and its data volume, and that every
// app's name leads to it.
func seesHost(t *testing.T, clone *lab.Clone) {
	client := ec2.NewFromConfig(clone.AWS())
	host := hostInstance(t, client)
	if host.IamInstanceProfile == nil {
		t.Error("the host has no role")
	}
	options := host.MetadataOptions
	if options.HttpTokens != types.HttpTokensStateRequired || aws.ToInt32(options.HttpPutResponseHopLimit) != 1 {
		t.Errorf("metadata options: %s, hop limit %d", options.HttpTokens, aws.ToInt32(options.HttpPutResponseHopLimit))
	}
	group := hostSecurityGroup(t, client)
	for port, want := range map[int32]bool{80: true, 443: true, 22: false, 5432: false} {
		if opens(group, port) != want {
			t.Errorf("port %d open: %v", port, !want)
		}
	}
	volumes, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{aws.ToString(host.InstanceId)}}}})
	if err != nil || len(volumes.Volumes) != 2 {
		t.Fatalf("volumes of the host: %v, %v", volumes, err)
	}
	for _, volume := range volumes.Volumes {
		if !aws.ToBool(volume.Encrypted) {
			t.Errorf("volume %s is not encrypted", tag(volume.Tags, "Name"))
		}
	}
	for _, name := range []string{"shop.localhost", "blog.localhost"} {
		if got := clone.Lookup(name); !slices.Equal(got, []string{aws.ToString(host.PublicIpAddress)}) {
			t.Errorf("%s answers %v, the host is at %s", name, got, aws.ToString(host.PublicIpAddress))
		}
	}
}

func seesAppsAndBuckets(t *testing.T, clone *lab.Clone) {
	config := clone.AWS()
	repositories, err := ecr.NewFromConfig(config).DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
	if err != nil || len(repositories.Repositories) != 2 {
		t.Errorf("repositories: %v, %v", repositories, err)
	}
	inventory := clone.Inventory()
	if len(inventory["SSM documents"]) == 0 || len(inventory["SSM associations"]) == 0 {
		t.Errorf("documents %v, associations %v", inventory["SSM documents"], inventory["SSM associations"])
	}
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	for _, bucket := range inventory["buckets"] {
		seesBucket(t, client, bucket)
	}
	parameters := ssm.NewFromConfig(config)
	for _, name := range inventory["parameters"] {
		found, err := parameters.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err != nil || aws.ToString(found.Parameter.Value) == "" {
			t.Errorf("parameter %s: %v", name, err)
		}
	}
}

// seesBucket checks that a bucket is versioned, encrypted, closed to the public, and has a lifecycle.
func seesBucket(t *testing.T, client *s3.Client, bucket string) {
	ctx := t.Context()
	versioning, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &bucket})
	if err != nil || versioning.Status != "Enabled" {
		t.Errorf("%s: versioning %v, %v", bucket, versioning, err)
	}
	encryption, err := client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &bucket})
	if err != nil || len(encryption.ServerSideEncryptionConfiguration.Rules) == 0 {
		t.Errorf("%s: encryption %v, %v", bucket, encryption, err)
	}
	lifecycle, err := client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket})
	if err != nil || len(lifecycle.Rules) == 0 {
		t.Errorf("%s: lifecycle %v, %v", bucket, lifecycle, err)
	}
	block, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &bucket})
	if err != nil {
		t.Errorf("%s: public access block: %v", bucket, err)
		return
	}
	set := block.PublicAccessBlockConfiguration
	for _, on := range []*bool{set.BlockPublicAcls, set.BlockPublicPolicy, set.IgnorePublicAcls, set.RestrictPublicBuckets} {
		if !aws.ToBool(on) {
			t.Errorf("%s: public access block %+v", bucket, set)
		}
	}
}

func tag(tags []types.Tag, key string) string {
	for _, t := range tags {
		if aws.ToString(t.Key) == key {
			return aws.ToString(t.Value)
		}
	}
	return ""
}
