package gateway

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
)

// placed is the part of an instance that others depend on.
type placed struct {
	ID       string   `xml:"instanceId"`
	State    string   `xml:"instanceState>name"`
	Vpc      string   `xml:"vpcId"`
	Subnet   string   `xml:"subnetId"`
	Zone     string   `xml:"placement>availabilityZone"`
	PublicIP string   `xml:"ipAddress"`
	Groups   []string `xml:"groupSet>item>groupId"`
	IPv6     []string `xml:"networkInterfaceSet>item>ipv6AddressesSet>item>ipv6Address"`
}

// placedInstances returns the region's instances that are not terminated.
func (g *Gateway) placedInstances(ctx context.Context, region string) ([]placed, error) {
	var out struct {
		Instances []placed `xml:"reservationSet>item>instancesSet>item"`
	}
	err := g.readForm(ctx, region, "ec2", "DescribeInstances", url.Values{}, &out)
	return slices.DeleteFunc(out.Instances, func(i placed) bool {
		return i.State == "terminated" || i.State == "shutting-down"
	}), err
}

// natGateway is a NAT gateway that was not deleted.
type natGateway struct {
	State     string   `xml:"state"`
	Vpc       string   `xml:"vpcId"`
	Subnet    string   `xml:"subnetId"`
	Addresses []string `xml:"natGatewayAddressSet>item>allocationId"`
}

func (g *Gateway) natGateways(ctx context.Context, region string) ([]natGateway, error) {
	var out struct {
		Gateways []natGateway `xml:"natGatewaySet>item"`
	}
	err := g.readForm(ctx, region, "ec2", "DescribeNatGateways", url.Values{}, &out)
	return slices.DeleteFunc(out.Gateways, func(n natGateway) bool {
		return n.State == "deleted" || n.State == "failed"
	}), err
}

// describedSubnet is the part of a subnet that others depend on.
type describedSubnet struct {
	ID         string      `xml:"subnetId"`
	Vpc        string      `xml:"vpcId"`
	AssignIPv6 bool        `xml:"assignIpv6AddressOnCreation"`
	IPv6       []ipv6Block `xml:"ipv6CidrBlockAssociationSet>item"`
}

// ipv6Block is an IPv6 network of a VPC or a subnet.
type ipv6Block struct {
	Association string `xml:"associationId"`
	Cidr        string `xml:"ipv6CidrBlock"`
	State       string `xml:"ipv6CidrBlockState>state"`
}

func (b ipv6Block) gone() bool { return b.State == "disassociated" || b.State == "disassociating" }

// within reports whether the block is part of another one.
func (b ipv6Block) within(other ipv6Block) bool {
	inner, err := netip.ParsePrefix(b.Cidr)
	outer, outerErr := netip.ParsePrefix(other.Cidr)
	return err == nil && outerErr == nil && outer.Overlaps(inner)
}

// blockOf returns the block of an association; nil if there is none, or it is gone.
func blockOf(blocks []ipv6Block, association string) *ipv6Block {
	for i, block := range blocks {
		if block.Association == association && !block.gone() {
			return &blocks[i]
		}
	}
	return nil
}

// subnets returns the region's subnets, or those that the parameters select.
func (g *Gateway) subnets(ctx context.Context, region string, parameters url.Values) ([]describedSubnet, error) {
	var out struct {
		Subnets []describedSubnet `xml:"subnetSet>item"`
	}
	err := g.readForm(ctx, region, "ec2", "DescribeSubnets", parameters, &out)
	return out.Subnets, err
}

func dependency(format string, args ...any) *problem {
	return wrong("DependencyViolation", format, args...)
}

// nothingIsPublic: an internet gateway stays while addresses of the VPC are mapped to it.
func nothingIsPublic(ctx context.Context, g *Gateway, c call) (*problem, error) {
	vpc := c.form.Get("VpcId")
	instances, err := g.placedInstances(ctx, c.region)
	if err != nil {
		return nil, err
	}
	gateways, err := g.natGateways(ctx, c.region)
	public := slices.ContainsFunc(instances, func(i placed) bool { return i.Vpc == vpc && i.PublicIP != "" }) ||
		slices.ContainsFunc(gateways, func(n natGateway) bool { return n.Vpc == vpc })
	if err != nil || !public {
		return nil, err
	}
	return dependency("Network %s has some mapped public address(es). Please unmap those public address(es) before "+
		"detaching the gateway.", vpc), nil
}

func subnetIsEmpty(ctx context.Context, g *Gateway, c call) (*problem, error) {
	subnet := c.form.Get("SubnetId")
	instances, err := g.placedInstances(ctx, c.region)
	if err != nil {
		return nil, err
	}
	gateways, err := g.natGateways(ctx, c.region)
	if err != nil {
		return nil, err
	}
	databases, err := g.placedDatabases(ctx, c.region)
	used := slices.ContainsFunc(instances, func(i placed) bool { return i.Subnet == subnet }) ||
		slices.ContainsFunc(gateways, func(n natGateway) bool { return n.Subnet == subnet }) ||
		slices.ContainsFunc(databases, func(d placedDatabase) bool { return slices.Contains(d.Subnets, subnet) })
	if err != nil || !used {
		return nil, err
	}
	return dependency("The subnet '%s' has dependencies and cannot be deleted.", subnet), nil
}

// vpcIsEmpty looks for dependencies of a VPC that moto ignores. moto itself looks for subnets and route tables.
func vpcIsEmpty(ctx context.Context, g *Gateway, c call) (*problem, error) {
	vpc := c.form.Get("VpcId")
	for _, kind := range []struct{ action, filter string }{
		{"DescribeInternetGateways", "attachment.vpc-id"},
		{"DescribeEgressOnlyInternetGateways", ""},
		{"DescribeVpcEndpoints", "vpc-id"},
		{"DescribeSecurityGroups", "vpc-id"},
	} {
		parameters := url.Values{}
		if kind.filter != "" {
			parameters = url.Values{"Filter.1.Name": {kind.filter}, "Filter.1.Value.1": {vpc}}
		}
		var out struct {
			Internet  []string `xml:"internetGatewaySet>item>internetGatewayId"`
			Outwards  []string `xml:"egressOnlyInternetGatewaySet>item>attachmentSet>item>vpcId"`
			Groups    []string `xml:"securityGroupInfo>item>groupName"`
			Endpoints []struct {
				State string `xml:"state"`
			} `xml:"vpcEndpointSet>item"`
		}
		if err := g.readForm(ctx, c.region, "ec2", kind.action, parameters, &out); err != nil {
			return nil, err
		}
		used := len(out.Internet) > 0 || slices.Contains(out.Outwards, vpc) ||
			slices.ContainsFunc(out.Groups, func(name string) bool { return name != "default" })
		for _, endpoint := range out.Endpoints {
			used = used || endpoint.State != "deleted"
		}
		if used {
			return dependency("The vpc '%s' has dependencies and cannot be deleted.", vpc), nil
		}
	}
	return nil, nil
}

// groupIsUnused: a security group stays while it is on an interface, or in a rule of another group.
func groupIsUnused(ctx context.Context, g *Gateway, c call) (*problem, error) {
	group := c.form.Get("GroupId")
	if group == "" {
		return nil, nil
	}
	instances, err := g.placedInstances(ctx, c.region)
	if err != nil {
		return nil, err
	}
	databases, err := g.placedDatabases(ctx, c.region)
	if err != nil {
		return nil, err
	}
	var out struct {
		Groups []struct {
			ID       string   `xml:"groupId"`
			Ingress  []string `xml:"ipPermissions>item>groups>item>groupId"`
			Outwards []string `xml:"ipPermissionsEgress>item>groups>item>groupId"`
		} `xml:"securityGroupInfo>item"`
	}
	err = g.readForm(ctx, c.region, "ec2", "DescribeSecurityGroups", url.Values{}, &out)
	used := slices.ContainsFunc(instances, func(i placed) bool { return slices.Contains(i.Groups, group) }) ||
		slices.ContainsFunc(databases, func(d placedDatabase) bool { return slices.Contains(d.Groups, group) })
	for _, other := range out.Groups {
		used = used || other.ID != group && slices.Contains(append(other.Ingress, other.Outwards...), group)
	}
	if err != nil || !used {
		return nil, err
	}
	return dependency("resource %s has a dependent object", group), nil
}

// addressIsFree: an Elastic IP serves one thing at a time, and cannot be released while it does.
func addressIsFree(ctx context.Context, g *Gateway, c call) (*problem, error) {
	allocation := c.form.Get("AllocationId")
	if allocation == "" {
		return nil, nil
	}
	gateways, err := g.natGateways(ctx, c.region)
	if err != nil {
		return nil, err
	}
	var out struct {
		Associations []string `xml:"addressesSet>item>associationId"`
		Addresses    []string `xml:"addressesSet>item>publicIp"`
	}
	err = g.readForm(ctx, c.region, "ec2", "DescribeAddresses", url.Values{"AllocationId.1": {allocation}}, &out)
	used := slices.ContainsFunc(gateways, func(n natGateway) bool { return slices.Contains(n.Addresses, allocation) })
	for _, association := range out.Associations {
		used = used || association != ""
	}
	switch {
	case err != nil || !used:
		return nil, err
	case c.action == "ReleaseAddress":
		return wrong("InvalidIPAddress.InUse", "Address %s is in use.", out.Addresses[0]), nil
	}
	return wrong("Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", allocation), nil
}

// networkHasGateway: an Elastic IP needs the VPC's internet gateway. A default VPC has one that moto does not show.
func networkHasGateway(ctx context.Context, g *Gateway, c call) (*problem, error) {
	instances, err := g.placedInstances(ctx, c.region)
	at := slices.IndexFunc(instances, func(i placed) bool { return i.ID == c.form.Get("InstanceId") })
	if err != nil || at < 0 {
		return nil, err
	}
	vpc := instances[at].Vpc
	var out struct {
		Gateways []string `xml:"internetGatewaySet>item>internetGatewayId"`
		Default  []bool   `xml:"vpcSet>item>isDefault"`
	}
	filter := url.Values{"Filter.1.Name": {"attachment.vpc-id"}, "Filter.1.Value.1": {vpc}}
	if err := g.readForm(ctx, c.region, "ec2", "DescribeInternetGateways", filter, &out); err != nil {
		return nil, err
	}
	err = g.readForm(ctx, c.region, "ec2", "DescribeVpcs", url.Values{"VpcId.1": {vpc}}, &out)
	if err != nil || len(out.Gateways) > 0 || slices.Contains(out.Default, true) {
		return nil, err
	}
	return wrong("Gateway.NotAttached", "Network %s is not attached to any internet gateway", vpc), nil
}

func vpcBlockIsUnused(ctx context.Context, g *Gateway, c call) (*problem, error) {
	var out struct {
		Vpcs []struct {
			ID   string      `xml:"vpcId"`
			IPv6 []ipv6Block `xml:"ipv6CidrBlockAssociationSet>item"`
		} `xml:"vpcSet>item"`
	}
	if err := g.readForm(ctx, c.region, "ec2", "DescribeVpcs", url.Values{}, &out); err != nil {
		return nil, err
	}
	subnets, err := g.subnets(ctx, c.region, url.Values{})
	if err != nil {
		return nil, err
	}
	for _, vpc := range out.Vpcs {
		block := blockOf(vpc.IPv6, c.form.Get("AssociationId"))
		if block == nil {
			continue
		}
		for _, subnet := range subnets {
			if subnet.Vpc == vpc.ID && slices.ContainsFunc(subnet.IPv6, func(b ipv6Block) bool {
				return !b.gone() && b.within(*block)
			}) {
				return wrong("InvalidCidrBlock.InUse", "The vpc %s currently has a subnet within CIDR block %s", vpc.ID,
					block.Cidr), nil
			}
		}
	}
	return nil, nil
}

func subnetBlockIsUnused(ctx context.Context, g *Gateway, c call) (*problem, error) {
	subnets, err := g.subnets(ctx, c.region, url.Values{})
	if err != nil {
		return nil, err
	}
	instances, err := g.placedInstances(ctx, c.region)
	if err != nil {
		return nil, err
	}
	association := c.form.Get("AssociationId")
	for _, subnet := range subnets {
		block := blockOf(subnet.IPv6, association)
		switch {
		case block == nil:
		case subnet.AssignIPv6:
			return wrong("InvalidCidrBlock.InUse", "The subnet IPv6 CIDR block with association ID %s may not be "+
				"disassociated, because its subnet has assign-ipv6-address-on-creation set to true.", association), nil
		case slices.ContainsFunc(instances, func(i placed) bool { return i.Subnet == subnet.ID && len(i.IPv6) > 0 }):
			return wrong("InvalidCidrBlock.InUse", "The subnet %s currently has in-use addresses within CIDR block %s",
				subnet.ID, block.Cidr), nil
		}
	}
	return nil, nil
}

// describedVolume is a volume's size and place.
type describedVolume struct {
	Zone string `xml:"availabilityZone"`
	Size int    `xml:"size"`
}

func (g *Gateway) volume(ctx context.Context, c call) (describedVolume, error) {
	var out struct {
		Volumes []describedVolume `xml:"volumeSet>item"`
	}
	err := g.readForm(ctx, c.region, "ec2", "DescribeVolumes", url.Values{"VolumeId.1": {c.form.Get("VolumeId")}}, &out)
	if err != nil || len(out.Volumes) == 0 {
		return describedVolume{}, err
	}
	return out.Volumes[0], nil
}

func volumeGrows(ctx context.Context, g *Gateway, c call) (*problem, error) {
	volume, err := g.volume(ctx, c)
	size, sizeErr := strconv.Atoi(c.form.Get("Size"))
	if err != nil || sizeErr != nil || size >= volume.Size {
		return nil, err // without a size it keeps its own
	}
	return wrong("InvalidParameterValue", "New size cannot be smaller than existing size"), nil
}

func volumeIsInZone(ctx context.Context, g *Gateway, c call) (*problem, error) {
	instances, err := g.placedInstances(ctx, c.region)
	at := slices.IndexFunc(instances, func(i placed) bool { return i.ID == c.form.Get("InstanceId") })
	if err != nil || at < 0 {
		return nil, err
	}
	volume, err := g.volume(ctx, c)
	if err != nil || volume.Zone == "" || volume.Zone == instances[at].Zone {
		return nil, err
	}
	return wrong("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'",
		c.form.Get("VolumeId"), instances[at].ID), nil
}

// groupsAreInVpc: an instance's security groups are of its subnet's VPC.
func groupsAreInVpc(ctx context.Context, g *Gateway, c call) (*problem, error) {
	subnet, groups := c.form.Get("SubnetId"), c.numbered("SecurityGroupId")
	if subnet == "" || len(groups) == 0 {
		return nil, nil
	}
	found, err := g.subnets(ctx, c.region, url.Values{"SubnetId.1": {subnet}})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	vpcs, err := g.vpcsOfGroups(ctx, c.region)
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		if vpc := vpcs[group]; vpc != "" && vpc != found[0].Vpc {
			return wrong("InvalidParameter", "Security group %s and subnet %s belong to different networks.", group,
				subnet), nil
		}
	}
	return nil, nil
}

// vpcsOfGroups returns the VPCs of all security groups.
func (g *Gateway) vpcsOfGroups(ctx context.Context, region string) (map[string]string, error) {
	var out struct {
		Groups []struct {
			ID  string `xml:"groupId"`
			Vpc string `xml:"vpcId"`
		} `xml:"securityGroupInfo>item"`
	}
	err := g.readForm(ctx, region, "ec2", "DescribeSecurityGroups", url.Values{}, &out)
	vpcs := map[string]string{}
	for _, group := range out.Groups {
		vpcs[group.ID] = group.Vpc
	}
	return vpcs, err
}
