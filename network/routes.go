package network

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	anywhere4 = "0.0.0.0/0"
	anywhere6 = "::/0"
)

// makeRouteTables gives each tier its own route table.
func (b *builder) makeRouteTables() error {
	b.tables, b.joined = map[string]*ec2.RouteTable{}, map[string][]pulumi.Resource{}
	for _, tier := range tiers {
		table, err := ec2.NewRouteTable(b.ctx, b.name+"-"+tier, &ec2.RouteTableArgs{
			VpcId: b.vpc.ID(),
			Tags:  b.tags(tier, "Tier", tier),
		}, b.parent)
		if err != nil {
			return fmt.Errorf("register route table %s: %w", tier, err)
		}
		b.tables[tier] = table
		for i, subnet := range b.subnets[tier] {
			label := fmt.Sprintf("%s-%d", tier, i+1)
			association, err := ec2.NewRouteTableAssociation(b.ctx, b.name+"-"+label, &ec2.RouteTableAssociationArgs{
				RouteTableId: table.ID(),
				SubnetId:     subnet.ID(),
			}, b.parent)
			if err != nil {
				return fmt.Errorf("register the route table association of %s: %w", label, err)
			}
			b.joined[tier] = append(b.joined[tier], association)
		}
	}
	return nil
}

func (b *builder) makePublicRoutes(network *Network) error {
	gateway, err := ec2.NewInternetGateway(b.ctx, b.name, &ec2.InternetGatewayArgs{
		VpcId: b.vpc.ID(),
		Tags:  b.tags("internet"),
	}, b.parent,
		// Otherwise the provider would move the gateway to a new VPC. AWS refuses that while the old VPC has a public
		// address: that of the host, which waits for the new VPC's gateway.
		pulumi.ReplaceOnChanges([]string{"vpcId"}))
	if err != nil {
		return fmt.Errorf("register the internet gateway: %w", err)
	}
	b.gateway = gateway
	route, err := ec2.NewRoute(b.ctx, b.name+"-public", &ec2.RouteArgs{
		RouteTableId:         b.tables[TierPublic].ID(),
		DestinationCidrBlock: pulumi.String(anywhere4),
		GatewayId:            gateway.ID(),
	}, b.parent, pulumi.DependsOn(b.joined[TierPublic]))
	if err != nil {
		return fmt.Errorf("register the public route: %w", err)
	}
	network.PublicRoutes = route
	if !b.args.EnableIPv6 {
		return nil
	}
	_, err = ec2.NewRoute(b.ctx, b.name+"-public-ipv6", &ec2.RouteArgs{
		RouteTableId:             b.tables[TierPublic].ID(),
		DestinationIpv6CidrBlock: pulumi.String(anywhere6),
		GatewayId:                gateway.ID(),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the public IPv6 route: %w", err)
	}
	return nil
}

// makeNat gives the private-app subnets access to the internet through one NAT gateway, if configured.
func (b *builder) makeNat() error {
	if b.args.NatMode != NatGateway {
		return nil
	}
	address, err := ec2.NewEip(b.ctx, b.name+"-nat", &ec2.EipArgs{
		Domain: pulumi.String("vpc"),
		Tags:   b.tags("nat"),
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{b.gateway}))
	if err != nil {
		return fmt.Errorf("register the NAT gateway's address: %w", err)
	}
	nat, err := ec2.NewNatGateway(b.ctx, b.name, &ec2.NatGatewayArgs{
		AllocationId: address.ID(),
		SubnetId:     b.subnets[TierPublic][0].ID(),
		Tags:         b.tags("nat"),
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{b.gateway}),
		// An address can belong to only one gateway at a time.
		pulumi.DeleteBeforeReplace(true))
	if err != nil {
		return fmt.Errorf("register the NAT gateway: %w", err)
	}
	_, err = ec2.NewRoute(b.ctx, b.name+"-private-app", &ec2.RouteArgs{
		RouteTableId:         b.tables[TierPrivateApp].ID(),
		DestinationCidrBlock: pulumi.String(anywhere4),
		NatGatewayId:         nat.ID(),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the private-app route: %w", err)
	}
	return nil
}

// makeEgressOnlyRoute allows outbound, but no inbound, IPv6 connections for the private-app subnets.
func (b *builder) makeEgressOnlyRoute() error {
	if !b.args.EnableIPv6 {
		return nil
	}
	gateway, err := ec2.NewEgressOnlyInternetGateway(b.ctx, b.name, &ec2.EgressOnlyInternetGatewayArgs{
		VpcId: b.vpc.ID(),
		Tags:  b.tags("egress-only"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the egress-only gateway: %w", err)
	}
	_, err = ec2.NewRoute(b.ctx, b.name+"-private-app-ipv6", &ec2.RouteArgs{
		RouteTableId:             b.tables[TierPrivateApp].ID(),
		DestinationIpv6CidrBlock: pulumi.String(anywhere6),
		EgressOnlyGatewayId:      gateway.ID(),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the private-app IPv6 route: %w", err)
	}
	return nil
}

// makeEndpoints adds the free gateway endpoints to every route table, including the public one: backups and image
// layers then never leave Amazon's network. The VPC's main table is for subnets that somebody adds by hand.
func (b *builder) makeEndpoints() error {
	tables := pulumi.StringArray{b.vpc.MainRouteTableId}
	for _, tier := range tiers {
		tables = append(tables, b.tables[tier].ID())
	}
	for _, service := range []string{"s3", "dynamodb"} {
		_, err := ec2.NewVpcEndpoint(b.ctx, b.name+"-"+service, &ec2.VpcEndpointArgs{
			VpcId:           b.vpc.ID(),
			ServiceName:     pulumi.String("com.amazonaws." + b.args.Region + "." + service),
			VpcEndpointType: pulumi.String("Gateway"),
			RouteTableIds:   tables,
			Tags:            b.tags(service),
		}, b.parent)
		if err != nil {
			return fmt.Errorf("register the endpoint for %s: %w", service, err)
		}
	}
	return nil
}
