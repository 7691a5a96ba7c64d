package stack

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// zoneCount is the number of availability zones of the network.
const zoneCount = 2

func lookUpAccount(ctx *pulumi.Context, provider pulumi.ProviderResource) (string, error) {
	caller, err := aws.GetCallerIdentity(ctx, &aws.GetCallerIdentityArgs{}, pulumi.Provider(provider))
	if err != nil {
		return "", fmt.Errorf("look up the AWS account (are there credentials?): %w", err)
	}
	return caller.AccountId, nil
}

// lookUpZones returns at least zoneCount zones that offer the instance type, sorted by name. It ignores the zones'
// current state: a zone that is impaired for an hour must not make the network, the host and its data move.
func lookUpZones(
	ctx *pulumi.Context, provider pulumi.ProviderResource, region, instanceType string,
) ([]string, error) {
	zones, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		Filters: []aws.GetAvailabilityZonesFilter{
			{Name: "opt-in-status", Values: []string{"opt-in-not-required"}},
			{Name: "zone-type", Values: []string{"availability-zone"}},
		},
	}, pulumi.Provider(provider))
	if err != nil {
		return nil, fmt.Errorf("look up the availability zones of %s: %w", region, err)
	}
	offers, err := ec2.GetInstanceTypeOfferings(ctx, &ec2.GetInstanceTypeOfferingsArgs{
		LocationType: pulumi.StringRef("availability-zone"),
		Filters:      []ec2.GetInstanceTypeOfferingsFilter{{Name: "instance-type", Values: []string{instanceType}}},
	}, pulumi.Provider(provider))
	if err != nil {
		return nil, fmt.Errorf("look up which zones of %s offer %s: %w", region, instanceType, err)
	}
	offering := slices.DeleteFunc(slices.Clone(zones.Names), func(zone string) bool {
		return !slices.Contains(offers.Locations, zone)
	})
	if len(offering) < zoneCount {
		return nil, fmt.Errorf("find %d availability zones of %s that offer %s: there are %d; "+
			"set webstack:instanceType to a type that more of them offer",
			zoneCount, region, instanceType, len(offering))
	}
	slices.Sort(offering)
	return offering, nil
}

// lookUpImage returns Canonical's current image of Ubuntu 24.04.
func lookUpImage(ctx *pulumi.Context, provider pulumi.ProviderResource, arch string) (string, error) {
	name := "/aws/service/canonical/ubuntu/server/24.04/stable/current/" + arch + "/hvm/ebs-gp3/ami-id"
	parameter, err := ssm.LookupParameter(ctx, &ssm.LookupParameterArgs{Name: name}, pulumi.Provider(provider))
	if err != nil {
		return "", fmt.Errorf("look up the Ubuntu image for %s (or set webstack:amiId): %w", arch, err)
	}
	return parameter.InsecureValue, nil
}
