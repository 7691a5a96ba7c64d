package network

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// TypeToken is the component's type.
const TypeToken = "webstack:network:Network"

// How private-app subnets reach the internet.
const (
	NatNone    = "none"
	NatGateway = "gateway"
)

// Args describe the network to build.
type Args struct {
	// NamePrefix starts the Name tag of everything, usually "<project>-<stack>".
	NamePrefix string
	// Region is the AWS region, part of the endpoints' service names.
	Region string
	// Cidr is the VPC's network: a network address from /16 to /25, so that each eighth is a subnet that AWS accepts (/28
	// or larger).
	Cidr string
	// AvailabilityZones are the two zones, in a stable order.
	AvailabilityZones []string
	// NatMode is NatNone or NatGateway.
	NatMode string
	// EnableIPv6 gives instances in the subnets IPv6 addresses and a route to the internet. The VPC and its subnets
	// always have IPv6 networks: see makeVpc.
	EnableIPv6 bool
}

// Network is the component.
type Network struct {
	pulumi.ResourceState

	VpcID           pulumi.IDOutput
	PublicSubnetIDs pulumi.StringArrayOutput
	// PublicSubnetZones are the actual availability zones of the public subnets, in the subnets' order.
	PublicSubnetZones   pulumi.StringArrayOutput
	PrivateAppSubnetIDs pulumi.StringArrayOutput
	PrivateDbSubnetIDs  pulumi.StringArrayOutput
	// PublicRoutes is the public subnets' route to the internet. Resources that need the internet depend on it.
	PublicRoutes pulumi.Resource
}

// builder holds what the steps of New share.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *Args
	parent pulumi.ResourceOption

	vpc     *ec2.Vpc
	subnets map[string][]*ec2.Subnet
	tables  map[string]*ec2.RouteTable
	joined  map[string][]pulumi.Resource // the associations of a tier's subnets with its route table
	gateway *ec2.InternetGateway
}

// New registers the network and everything in it.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Network, error) {
	cidrs, err := args.check()
	if err != nil {
		return nil, err
	}
	network := &Network{}
	if err := ctx.RegisterComponentResourceV2(TypeToken, name, args.inputs(), network, opts...); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	b := &builder{ctx: ctx, name: name, args: args, parent: pulumi.Parent(network)}
	for _, step := range []func() error{
		b.makeVpc,
		func() error { return b.makeSubnets(cidrs) },
		b.makeRouteTables,
		func() error { return b.makePublicRoutes(network) },
		b.makeNat,
		b.makeEgressOnlyRoute,
		b.makeEndpoints,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	network.VpcID = b.vpc.ID()
	network.PublicSubnetIDs, network.PublicSubnetZones = b.ids(TierPublic), b.zonesOf(TierPublic)
	network.PrivateAppSubnetIDs = b.ids(TierPrivateApp)
	network.PrivateDbSubnetIDs = b.ids(TierPrivateDb)
	return network, ctx.RegisterResourceOutputs(network, pulumi.Map{
		"vpcId":               network.VpcID,
		"publicSubnetIds":     network.PublicSubnetIDs,
		"publicSubnetZones":   network.PublicSubnetZones,
		"privateAppSubnetIds": network.PrivateAppSubnetIDs,
		"privateDbSubnetIds":  network.PrivateDbSubnetIDs,
	})
}

// check reports all problems in the arguments and computes the subnets.
func (a *Args) check() (map[string][]netip.Prefix, error) {
	var problems []error
	vpc, err := netip.ParsePrefix(a.Cidr)
	if err != nil {
		problems = append(problems, fmt.Errorf("read network %q: %w", a.Cidr, err))
	}
	cidrs, err := carve(vpc)
	if err != nil && len(problems) == 0 {
		problems = append(problems, err)
	}
	if len(a.AvailabilityZones) != zones || a.AvailabilityZones[0] == a.AvailabilityZones[1] {
		problems = append(problems, fmt.Errorf("use zones %v: give %d different ones", a.AvailabilityZones, zones))
	}
	if a.NatMode != NatNone && a.NatMode != NatGateway {
		problems = append(problems, fmt.Errorf("use NAT mode %q: give %s or %s", a.NatMode, NatNone, NatGateway))
	}
	return cidrs, errors.Join(problems...)
}

func (a *Args) inputs() pulumi.Map {
	return pulumi.Map{
		"cidr":              pulumi.String(a.Cidr),
		"availabilityZones": pulumi.ToStringArray(a.AvailabilityZones),
		"natMode":           pulumi.String(a.NatMode),
		"enableIpv6":        pulumi.Bool(a.EnableIPv6),
	}
}

func (b *builder) ids(tier string) pulumi.StringArrayOutput {
	ids := pulumi.StringArray{}
	for _, subnet := range b.subnets[tier] {
		ids = append(ids, subnet.ID())
	}
	return ids.ToStringArrayOutput()
}

func (b *builder) zonesOf(tier string) pulumi.StringArrayOutput {
	names := pulumi.StringArray{}
	for _, subnet := range b.subnets[tier] {
		names = append(names, subnet.AvailabilityZone)
	}
	return names.ToStringArrayOutput()
}

// tags returns the tags of one resource: its name within the stack and the given ones.
func (b *builder) tags(name string, more ...string) pulumi.StringMap {
	tags := pulumi.StringMap{"Name": pulumi.String(b.args.NamePrefix + "-" + name)}
	for i := 0; i < len(more); i += 2 {
		tags[more[i]] = pulumi.String(more[i+1])
	}
	return tags
}
