package lab

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// AWS returns the configuration of an AWS client of the clone's account, as local.env gives it.
func (c *Clone) AWS() aws.Config {
	c.tb.Helper()
	env := c.Env()
	return aws.Config{
		Region:       env["AWS_REGION"],
		BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(
			env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
}

// Inventory lists everything in the account that a stack can create, by kind: by name, or by id if it has no name. It
// omits what AWS itself puts into every account.
func (c *Clone) Inventory() map[string][]string {
	c.tb.Helper()
	config := c.AWS()
	out := map[string][]string{}
	collect := func(kind string, names []string, err error) {
		c.tb.Helper()
		if err != nil {
			c.tb.Fatalf("list %s: %v", kind, err)
		}
		if len(names) > 0 {
			slices.Sort(names)
			out[kind] = names
		}
	}
	ctx := c.tb.Context()
	for kind, list := range ec2Lists(ec2.NewFromConfig(config)) {
		names, err := list(ctx)
		collect(kind, names, err)
	}
	for kind, list := range otherLists(config) {
		names, err := list(ctx)
		collect(kind, names, err)
	}
	return out
}

type lister func(ctx context.Context) ([]string, error)

// ec2Lists lists what lives in EC2, by Name tag or id.
func ec2Lists(client *ec2.Client) map[string]lister {
	own := []types.Filter{{Name: aws.String("tag-key"), Values: []string{"Stack"}}}
	return map[string]lister{
		"VPCs": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{
				Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"false"}}}})
			return each(out, err, func(o *ec2.DescribeVpcsOutput) []types.Vpc { return o.Vpcs },
				func(v types.Vpc) string { return named(v.Tags, v.VpcId) })
		},
		"subnets": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{
				Filters: []types.Filter{{Name: aws.String("default-for-az"), Values: []string{"false"}}}})
			return each(out, err, func(o *ec2.DescribeSubnetsOutput) []types.Subnet { return o.Subnets },
				func(v types.Subnet) string { return named(v.Tags, v.SubnetId) })
		},
		"internet gateways": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: own})
			return each(out, err, func(o *ec2.DescribeInternetGatewaysOutput) []types.InternetGateway { return o.InternetGateways },
				func(v types.InternetGateway) string { return named(v.Tags, v.InternetGatewayId) })
		},
		"route tables": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: own})
			return each(out, err, func(o *ec2.DescribeRouteTablesOutput) []types.RouteTable { return o.RouteTables },
				func(v types.RouteTable) string { return named(v.Tags, v.RouteTableId) })
		},
		"VPC endpoints": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{})
			return each(out, err, func(o *ec2.DescribeVpcEndpointsOutput) []types.VpcEndpoint { return o.VpcEndpoints },
				func(v types.VpcEndpoint) string {
					if v.State == "deleted" {
						return ""
					}
					return aws.ToString(v.ServiceName)
				})
		},
		"security groups": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
			return each(out, err, func(o *ec2.DescribeSecurityGroupsOutput) []types.SecurityGroup { return o.SecurityGroups },
				func(v types.SecurityGroup) string {
					if aws.ToString(v.GroupName) == "default" {
						return ""
					}
					return named(v.Tags, v.GroupId)
				})
		},
		"instances": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
			if err != nil {
				return nil, err
			}
			var names []string
			for _, reservation := range out.Reservations {
				for _, instance := range reservation.Instances {
					if instance.State.Name != types.InstanceStateNameTerminated {
						names = append(names, named(instance.Tags, instance.InstanceId))
					}
				}
			}
			return names, nil
		},
		"volumes": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
			return each(out, err, func(o *ec2.DescribeVolumesOutput) []types.Volume { return o.Volumes },
				func(v types.Volume) string { return named(v.Tags, v.VolumeId) })
		},
		"elastic IPs": func(ctx context.Context) ([]string, error) {
			out, err := client.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
			return each(out, err, func(o *ec2.DescribeAddressesOutput) []types.Address { return o.Addresses },
				func(v types.Address) string { return named(v.Tags, v.AllocationId) })
		},
	}
}

// otherLists lists what lives outside EC2.
func otherLists(config aws.Config) map[string]lister {
	iamClient, ssmClient := iam.NewFromConfig(config), ssm.NewFromConfig(config)
	s3Client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	ecrClient, kmsClient := ecr.NewFromConfig(config), kms.NewFromConfig(config)
	return map[string]lister{
		"roles": func(ctx context.Context) ([]string, error) {
			out, err := iamClient.ListRoles(ctx, &iam.ListRolesInput{})
			if err != nil {
				return nil, err
			}
			var names []string
			for _, role := range out.Roles {
				if !strings.HasPrefix(aws.ToString(role.Path), "/aws-service-role/") {
					names = append(names, aws.ToString(role.RoleName))
				}
			}
			return names, nil
		},
		"instance profiles": func(ctx context.Context) ([]string, error) {
			out, err := iamClient.ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{})
			if err != nil {
				return nil, err
			}
			var names []string
			for _, profile := range out.InstanceProfiles {
				names = append(names, aws.ToString(profile.InstanceProfileName))
			}
			return names, nil
		},
		"OIDC providers": func(ctx context.Context) ([]string, error) {
			out, err := iamClient.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
			if err != nil {
				return nil, err
			}
			var names []string
			for _, provider := range out.OpenIDConnectProviderList {
				names = append(names, aws.ToString(provider.Arn))
			}
			return names, nil
		},
		"SSM documents": func(ctx context.Context) ([]string, error) {
			out, err := ssmClient.ListDocuments(ctx, &ssm.ListDocumentsInput{
				Filters: []ssmtypes.DocumentKeyValuesFilter{{Key: aws.String("Owner"), Values: []string{"Self"}}}})
			if err != nil {
				return nil, err
			}
			var names []string
			for _, document := range out.DocumentIdentifiers {
				names = append(names, aws.ToString(document.Name))
			}
			return names, nil
		},
		"SSM associations": func(ctx context.Context) ([]string, error) {
			out, err := ssmClient.ListAssociations(ctx, &ssm.ListAssociationsInput{})
			if err != nil {
				return nil, err
			}
			var names []string
			for _, association := range out.Associations {
				names = append(names, aws.ToString(association.Name))
			}
			return names, nil
		},
		"parameters": func(ctx context.Context) ([]string, error) {
			var names []string
			pages := ssm.NewDescribeParametersPaginator(ssmClient, &ssm.DescribeParametersInput{})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, parameter := range page.Parameters {
					if !strings.HasPrefix(aws.ToString(parameter.Name), "/aws/") {
						names = append(names, aws.ToString(parameter.Name))
					}
				}
			}
			return names, nil
		},
		"buckets": func(ctx context.Context) ([]string, error) {
			out, err := s3Client.ListBuckets(ctx, &s3.ListBucketsInput{})
			if err != nil {
				return nil, err
			}
			var names []string
			for _, bucket := range out.Buckets {
				names = append(names, aws.ToString(bucket.Name))
			}
			return names, nil
		},
		"ECR repositories": func(ctx context.Context) ([]string, error) {
			out, err := ecrClient.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{})
			if err != nil {
				return nil, err
			}
			var names []string
			for _, repository := range out.Repositories {
				names = append(names, aws.ToString(repository.RepositoryName))
			}
			return names, nil
		},
		"KMS keys": func(ctx context.Context) ([]string, error) { return activeKeys(ctx, kmsClient) },
	}
}

// activeKeys lists the customer keys that are not scheduled for deletion.
func activeKeys(ctx context.Context, client *kms.Client) ([]string, error) {
	out, err := client.ListKeys(ctx, &kms.ListKeysInput{})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, key := range out.Keys {
		described, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyId})
		if err != nil {
			return nil, err
		}
		metadata := described.KeyMetadata
		// moto treats the account's own key for volumes as a customer's.
		own := strings.HasPrefix(aws.ToString(metadata.Description), "Default master key")
		if metadata.KeyManager == "CUSTOMER" && metadata.KeyState != "PendingDeletion" && !own {
			ids = append(ids, aws.ToString(key.KeyId))
		}
	}
	return ids, nil
}

// each maps the items of a describe call to names, leaving out empty ones.
func each[O, I any](out *O, err error, items func(*O) []I, name func(I) string) ([]string, error) {
	if err != nil {
		return nil, err
	}
	var names []string
	for _, item := range items(out) {
		if n := name(item); n != "" {
			names = append(names, n)
		}
	}
	return names, nil
}

// named returns the Name tag, or the id if there is none.
func named(tags []types.Tag, id *string) string {
	for _, tag := range tags {
		if aws.ToString(tag.Key) == "Name" {
			return aws.ToString(tag.Value)
		}
	}
	return aws.ToString(id)
}

// SameInventory fails the test unless both inventories list the same things.
func SameInventory(tb testing.TB, want, got map[string][]string) {
	tb.Helper()
	for _, kind := range slices.Sorted(maps.Keys(merged(want, got))) {
		if !slices.Equal(want[kind], got[kind]) {
			tb.Errorf("%s: there are %v, want %v", kind, got[kind], want[kind])
		}
	}
}

func merged(a, b map[string][]string) map[string][]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string][]string{}
	}
	maps.Copy(out, b)
	return out
}
