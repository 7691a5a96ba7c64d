package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) vpc() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"cidrBlock":                    {Computed: true, Replace: true, Check: checkVpcCIDR},
			"enableDnsSupport":             {Default: true},
			"enableDnsHostnames":           {Computed: true},
			"assignGeneratedIpv6CidrBlock": {},
			"ipv6CidrBlock":                {Output: true},
			"ipv6AssociationId":            {Output: true},
			"arn":                          {Output: true},
			"ownerId":                      {Output: true},
			"dhcpOptionsId":                {Output: true},
			"mainRouteTableId":             {Output: true},
			"defaultRouteTableId":          {Output: true},
			"defaultNetworkAclId":          {Output: true},
			"defaultSecurityGroupId":       {Output: true},
		}),
		Create: c.createVpc,
		Read:   c.readVpc,
		Update: c.updateVpc,
		Delete: c.deleteVpc,
		Recomputed: func(changed func(...string) bool) []string {
			if changed("assignGeneratedIpv6CidrBlock") {
				return []string{"ipv6CidrBlock", "ipv6AssociationId"}
			}
			return nil
		},
	}
}

// checkVpcCIDR permits networks of 16 to 65,536 addresses.
func checkVpcCIDR(value any) string {
	if prefix, ok := network(value); ok && prefix.Addr().Is4() && (prefix.Bits() < 16 || prefix.Bits() > 28) {
		return "the mask must be from /16 to /28"
	}
	return checkCIDR4(value)
}

func (c *clients) createVpc(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock:                   optional(in, "cidrBlock"),
		AmazonProvidedIpv6CidrBlock: aws.Bool(in.Bool("assignGeneratedIpv6CidrBlock")),
		TagSpecifications:           ec2TagSpec(types.ResourceTypeVpc, in),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.Vpc.VpcId)
	err = untilState(ctx, id, types.VpcStateAvailable, func() (types.VpcState, error) {
		vpc, err := c.describeVpc(ctx, id)
		return vpc.State, err
	})
	if err == nil && in.Bool("assignGeneratedIpv6CidrBlock") {
		err = c.untilVpcIpv6(ctx, id, true)
	}
	if err == nil && !in.Bool("enableDnsSupport") {
		err = c.setVpcDNS(ctx, id, in, "enableDnsSupport")
	}
	if err == nil && in.Bool("enableDnsHostnames") {
		err = c.setVpcDNS(ctx, id, in, "enableDnsHostnames")
	}
	return id, err
}

// setVpcDNS sets one of the two DNS attributes; the API takes one at a time.
func (c *clients) setVpcDNS(ctx context.Context, id string, in provider.Values, key string) error {
	value := &types.AttributeBooleanValue{Value: aws.Bool(in.Bool(key))}
	attribute := &ec2.ModifyVpcAttributeInput{VpcId: &id}
	if key == "enableDnsSupport" {
		attribute.EnableDnsSupport = value
	} else {
		attribute.EnableDnsHostnames = value
	}
	_, err := c.ec2.ModifyVpcAttribute(ctx, attribute)
	return err
}

func (c *clients) updateVpc(ctx context.Context, change provider.Change) error {
	for _, key := range []string{"enableDnsSupport", "enableDnsHostnames"} {
		if change.Changed(key) && change.New.Has(key) {
			if err := c.setVpcDNS(ctx, change.ID, change.New, key); err != nil {
				return err
			}
		}
	}
	if change.Changed("assignGeneratedIpv6CidrBlock") {
		if err := c.setVpcIpv6(ctx, change); err != nil {
			return err
		}
	}
	return c.retagEC2(ctx, change)
}

func (c *clients) setVpcIpv6(ctx context.Context, change provider.Change) error {
	association := change.Old.Str("ipv6AssociationId")
	wanted := change.New.Bool("assignGeneratedIpv6CidrBlock")
	var err error
	switch {
	case association != "" && !wanted:
		_, err = c.ec2.DisassociateVpcCidrBlock(ctx, &ec2.DisassociateVpcCidrBlockInput{AssociationId: &association})
	case association == "" && wanted:
		_, err = c.ec2.AssociateVpcCidrBlock(ctx, &ec2.AssociateVpcCidrBlockInput{
			VpcId: &change.ID, AmazonProvidedIpv6CidrBlock: aws.Bool(true),
		})
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return c.untilVpcIpv6(ctx, change.ID, wanted)
}

// untilVpcIpv6 waits until the VPC has an IPv6 block, or has none.
func (c *clients) untilVpcIpv6(ctx context.Context, id string, wanted bool) error {
	return until(ctx, id+" has its IPv6 block changed", func() (bool, error) {
		vpc, err := c.describeVpc(ctx, id)
		return (vpcIpv6(vpc).AssociationId != nil) == wanted, err
	})
}

// vpcIpv6 returns the VPC's IPv6 block, or an empty one.
func vpcIpv6(vpc types.Vpc) types.VpcIpv6CidrBlockAssociation {
	for _, block := range vpc.Ipv6CidrBlockAssociationSet {
		if block.Ipv6CidrBlockState != nil && block.Ipv6CidrBlockState.State == types.VpcCidrBlockStateCodeAssociated {
			return block
		}
	}
	return types.VpcIpv6CidrBlockAssociation{}
}

func (c *clients) describeVpc(ctx context.Context, id string) (types.Vpc, error) {
	out, err := c.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	if err != nil {
		return types.Vpc{}, gone(err, "InvalidVpcID.NotFound")
	}
	return first(out.Vpcs)
}

func (c *clients) deleteVpc(ctx context.Context, id string, _ provider.Values) error {
	return deleted(ctx, id, func() error {
		_, err := c.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &id})
		return err
	}, c.describeVpc, "InvalidVpcID.NotFound")
}
