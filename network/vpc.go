package network

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// makeVpc creates a VPC with an IPv6 network, even if it is not used: it costs nothing, and nothing has an address in
// it by default. AWS allows removing the network only when no subnet uses it. Because Pulumi changes subnets after
// their VPC, and hosts after their subnets, IPv6 could otherwise never be turned off again.
func (b *builder) makeVpc() error {
	vpc, err := ec2.NewVpc(b.ctx, b.name, &ec2.VpcArgs{
		CidrBlock:                    pulumi.String(b.args.Cidr),
		EnableDnsSupport:             pulumi.Bool(true),
		EnableDnsHostnames:           pulumi.Bool(true),
		AssignGeneratedIpv6CidrBlock: pulumi.Bool(true),
		Tags:                         b.tags("vpc"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the VPC: %w", err)
	}
	b.vpc = vpc
	// The default group cannot be deleted, so it is emptied: a resource without a group has no access at all. The empty
	// lists are needed: without them, Pulumi would not notice rules that somebody adds later.
	_, err = ec2.NewDefaultSecurityGroup(b.ctx, b.name+"-default", &ec2.DefaultSecurityGroupArgs{
		VpcId:   vpc.ID(),
		Ingress: ec2.DefaultSecurityGroupIngressArray{},
		Egress:  ec2.DefaultSecurityGroupEgressArray{},
		Tags:    b.tags("default-unused"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the default security group: %w", err)
	}
	return nil
}

func (b *builder) makeSubnets(cidrs map[string][]netip.Prefix) error {
	b.subnets = map[string][]*ec2.Subnet{}
	for t, tier := range tiers {
		for zone, cidr := range cidrs[tier] {
			label := fmt.Sprintf("%s-%d", tier, zone+1)
			args := &ec2.SubnetArgs{
				VpcId:            b.vpc.ID(),
				CidrBlock:        pulumi.String(cidr.String()),
				AvailabilityZone: pulumi.String(b.args.AvailabilityZones[zone]),
				// The host gets its address from this setting. Even with an Elastic IP, it needs one until that is attached.
				MapPublicIpOnLaunch:         pulumi.Bool(tier == TierPublic),
				Ipv6CidrBlock:               ipv6Subnet(b.vpc.Ipv6CidrBlock, t*zones+zone),
				AssignIpv6AddressOnCreation: pulumi.Bool(b.args.EnableIPv6),
				Tags:                        b.tags(label, "Tier", tier),
			}
			// A different result of looking up the zones must not replace subnets, and with them the host and its data volume.
			subnet, err := ec2.NewSubnet(b.ctx, b.name+"-"+label, args, b.parent,
				pulumi.IgnoreChanges([]string{"availabilityZone"}))
			if err != nil {
				return fmt.Errorf("register subnet %s: %w", label, err)
			}
			b.subnets[tier] = append(b.subnets[tier], subnet)
		}
	}
	return nil
}

// ipv6Subnet returns the n-th /64 of the VPC's /56.
func ipv6Subnet(vpc pulumi.StringOutput, n int) pulumi.StringOutput {
	return vpc.ApplyT(func(cidr string) (string, error) {
		if cidr == "" {
			return "", nil // not assigned yet
		}
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return "", fmt.Errorf("read the VPC's IPv6 network: %w", err)
		}
		address := prefix.Addr().As16()
		address[7] |= byte(n)
		return netip.PrefixFrom(netip.AddrFrom16(address), 64).String(), nil
	}).(pulumi.StringOutput)
}
