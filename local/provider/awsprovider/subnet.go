package awsprovider

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) subnet() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"vpcId":                       {Required: true, Replace: true},
			"cidrBlock":                   {Replace: true, Check: checkCIDR4},
			"ipv6CidrBlock":               {Check: checkCIDR6, Equal: sameCIDR},
			"availabilityZone":            {Computed: true, Replace: true},
			"mapPublicIpOnLaunch":         {Default: false},
			"assignIpv6AddressOnCreation": {Default: false},
			"ipv6CidrBlockAssociationId":  {Output: true},
			"arn":                         {Output: true},
			"ownerId":                     {Output: true},
		}),
		Create: c.createSubnet,
		Read:   c.readSubnet,
		Update: c.updateSubnet,
		Delete: c.deleteSubnet,
		Recomputed: func(changed func(...string) bool) []string {
			if changed("ipv6CidrBlock") {
				return []string{"ipv6CidrBlockAssociationId"}
			}
			return nil
		},
	}
}

// subnetFlags are the attributes of a subnet, in the order in which they are set; the API takes one at a time.
var subnetFlags = []struct {
	key string
	set func(*ec2.ModifySubnetAttributeInput, *types.AttributeBooleanValue)
}{
	{"mapPublicIpOnLaunch", func(a *ec2.ModifySubnetAttributeInput, v *types.AttributeBooleanValue) {
		a.MapPublicIpOnLaunch = v
	}},
	{"assignIpv6AddressOnCreation", func(a *ec2.ModifySubnetAttributeInput, v *types.AttributeBooleanValue) {
		a.AssignIpv6AddressOnCreation = v
	}},
}

func (c *clients) createSubnet(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{
		VpcId:             optional(in, "vpcId"),
		CidrBlock:         optional(in, "cidrBlock"),
		Ipv6CidrBlock:     optional(in, "ipv6CidrBlock"),
		AvailabilityZone:  optional(in, "availabilityZone"),
		TagSpecifications: ec2TagSpec(types.ResourceTypeSubnet, in),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.Subnet.SubnetId)
	err = untilState(ctx, id, types.SubnetStateAvailable, func() (types.SubnetState, error) {
		subnet, err := c.describeSubnet(ctx, id)
		return subnet.State, err
	})
	if err != nil {
		return id, err
	}
	return id, c.setSubnetFlags(ctx, id, in, func(key string) bool { return in.Bool(key) })
}

// setSubnetFlags sets those attributes that changed tells.
func (c *clients) setSubnetFlags(ctx context.Context, id string, in provider.Values, changed func(string) bool) error {
	for _, flag := range subnetFlags {
		if !changed(flag.key) {
			continue
		}
		attribute := &ec2.ModifySubnetAttributeInput{SubnetId: &id}
		flag.set(attribute, &types.AttributeBooleanValue{Value: aws.Bool(in.Bool(flag.key))})
		if _, err := c.ec2.ModifySubnetAttribute(ctx, attribute); err != nil {
			return err
		}
	}
	return nil
}

// updateSubnet turns off IPv6 addresses for new instances before it removes the block, and turns them on after the
// block is there.
func (c *clients) updateSubnet(ctx context.Context, change provider.Change) error {
	id, autoAssign := change.ID, "assignIpv6AddressOnCreation"
	if change.Changed(autoAssign) && !change.New.Bool(autoAssign) {
		off := func(key string) bool { return key == autoAssign }
		if err := c.setSubnetFlags(ctx, id, change.New, off); err != nil {
			return err
		}
	}
	if change.Changed("ipv6CidrBlock") {
		if err := c.setSubnetIpv6(ctx, change); err != nil {
			return err
		}
	}
	rest := func(key string) bool { return change.Changed(key) && (key != autoAssign || change.New.Bool(key)) }
	if err := c.setSubnetFlags(ctx, id, change.New, rest); err != nil {
		return err
	}
	return c.retagEC2(ctx, change)
}

func (c *clients) setSubnetIpv6(ctx context.Context, change provider.Change) error {
	if sameCIDR(change.Old["ipv6CidrBlock"], change.New["ipv6CidrBlock"]) {
		return nil
	}
	if association := change.Old.Str("ipv6CidrBlockAssociationId"); association != "" {
		_, err := c.ec2.DisassociateSubnetCidrBlock(ctx, &ec2.DisassociateSubnetCidrBlockInput{AssociationId: &association})
		if err != nil {
			return err
		}
	}
	if !change.New.Has("ipv6CidrBlock") {
		return nil
	}
	_, err := c.ec2.AssociateSubnetCidrBlock(ctx, &ec2.AssociateSubnetCidrBlockInput{
		SubnetId: &change.ID, Ipv6CidrBlock: optional(change.New, "ipv6CidrBlock"),
	})
	if err != nil {
		return err
	}
	return until(ctx, change.ID+" has its IPv6 block", func() (bool, error) {
		subnet, err := c.describeSubnet(ctx, change.ID)
		return subnetIpv6(subnet).AssociationId != nil, err
	})
}

// subnetIpv6 returns the subnet's IPv6 block, or an empty one. The emulated account spells the state of an existing
// block differently, so it checks for the states in which there is none.
func subnetIpv6(subnet types.Subnet) types.SubnetIpv6CidrBlockAssociation {
	for _, block := range subnet.Ipv6CidrBlockAssociationSet {
		state := block.Ipv6CidrBlockState
		there := state == nil || state.State == types.SubnetCidrBlockStateCodeAssociated
		if there || !slices.Contains(state.State.Values(), state.State) {
			return block
		}
	}
	return types.SubnetIpv6CidrBlockAssociation{}
}

func (c *clients) describeSubnet(ctx context.Context, id string) (types.Subnet, error) {
	out, err := c.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
	if err != nil {
		return types.Subnet{}, gone(err, "InvalidSubnetID.NotFound")
	}
	return first(out.Subnets)
}

func (c *clients) readSubnet(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	subnet, err := c.describeSubnet(ctx, id)
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"vpcId": subnet.VpcId, "arn": c.arn("ec2", "subnet/"+id), "ownerId": c.account, "tags": fromEC2Tags(subnet.Tags),
		"availabilityZone":            subnet.AvailabilityZone,
		"mapPublicIpOnLaunch":         aws.ToBool(subnet.MapPublicIpOnLaunch),
		"assignIpv6AddressOnCreation": aws.ToBool(subnet.AssignIpv6AddressOnCreation),
		"ipv6CidrBlock":               subnetIpv6(subnet).Ipv6CidrBlock,
		"ipv6CidrBlockAssociationId":  aws.ToString(subnetIpv6(subnet).AssociationId),
	}
	if aws.ToString(subnet.CidrBlock) != "" {
		out["cidrBlock"] = subnet.CidrBlock
	}
	return out, nil
}

func (c *clients) deleteSubnet(ctx context.Context, id string, _ provider.Values) error {
	return deleted(ctx, id, func() error {
		_, err := c.ec2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &id})
		return err
	}, c.describeSubnet, "InvalidSubnetID.NotFound")
}
