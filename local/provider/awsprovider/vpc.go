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
			"cidrBlock":                    {Required: true, Replace: true, Check: checkCIDR4},
			"enableDnsSupport":             {Default: true},
			"enableDnsHostnames":           {Computed: true},
			"instanceTenancy":              {Default: "default", Replace: true},
			"assignGeneratedIpv6CidrBlock": {},
			"ipv6CidrBlock":                {Output: true},
			"ipv6AssociationId":            {Output: true},
			"arn":                          {Output: true},
			"ownerId":                      {Output: true},
			"mainRouteTableId":             {Output: true},
			"defaultSecurityGroupId":       {Output: true},
		}),
		Create: c.createVpc,
		Read:   c.readVpc,
		Update: c.updateVpc,
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &id})
			return unlessGone(err, "InvalidVpcID.NotFound")
		},
		Recomputed: func(changed func(...string) bool) []string {
			if changed("assignGeneratedIpv6CidrBlock") {
				return []string{"ipv6CidrBlock", "ipv6AssociationId"}
			}
			return nil
		},
	}
}

func (c *clients) createVpc(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock:                   aws.String(in.Str("cidrBlock")),
		AmazonProvidedIpv6CidrBlock: aws.Bool(in.Bool("assignGeneratedIpv6CidrBlock")),
		InstanceTenancy:             types.Tenancy(in.Str("instanceTenancy")),
		TagSpecifications:           ec2TagSpec(types.ResourceTypeVpc, in),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.Vpc.VpcId)
	return id, c.setVpcAttributes(ctx, id, in)
}

func (c *clients) setVpcAttributes(ctx context.Context, id string, in provider.Values) error {
	if in.Has("enableDnsSupport") {
		_, err := c.ec2.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{
			VpcId: &id, EnableDnsSupport: &types.AttributeBooleanValue{Value: aws.Bool(in.Bool("enableDnsSupport"))},
		})
		if err != nil {
			return err
		}
	}
	if in.Has("enableDnsHostnames") {
		_, err := c.ec2.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{
			VpcId: &id, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(in.Bool("enableDnsHostnames"))},
		})
		return err
	}
	return nil
}

func (c *clients) updateVpc(ctx context.Context, change provider.Change) error {
	if change.Changed("enableDnsSupport", "enableDnsHostnames") {
		if err := c.setVpcAttributes(ctx, change.ID, change.New); err != nil {
			return err
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
	switch {
	case association != "" && !wanted:
		_, err := c.ec2.DisassociateVpcCidrBlock(ctx, &ec2.DisassociateVpcCidrBlockInput{AssociationId: &association})
		return err
	case association == "" && wanted:
		_, err := c.ec2.AssociateVpcCidrBlock(ctx, &ec2.AssociateVpcCidrBlockInput{
			VpcId: &change.ID, AmazonProvidedIpv6CidrBlock: aws.Bool(true),
		})
		return err
	default:
		return nil
	}
}

func (c *clients) readVpc(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	found, err := c.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	if err != nil {
		return nil, gone(err, "InvalidVpcID.NotFound")
	}
	if len(found.Vpcs) == 0 {
		return nil, provider.ErrGone
	}
	vpc := found.Vpcs[0]
	out := provider.Values{
		"cidrBlock": vpc.CidrBlock, "instanceTenancy": vpc.InstanceTenancy, "ownerId": c.account,
		"arn": c.arn("ec2", "vpc/"+id), "tags": fromEC2Tags(vpc.Tags), "assignGeneratedIpv6CidrBlock": false,
		"ipv6CidrBlock": "", "ipv6AssociationId": "",
	}
	for _, block := range vpc.Ipv6CidrBlockAssociationSet {
		if block.Ipv6CidrBlockState != nil && block.Ipv6CidrBlockState.State == types.VpcCidrBlockStateCodeAssociated {
			out["assignGeneratedIpv6CidrBlock"] = true
			out["ipv6CidrBlock"] = block.Ipv6CidrBlock
			out["ipv6AssociationId"] = block.AssociationId
		}
	}
	return out, c.readVpcDetails(ctx, id, out)
}

// readVpcDetails adds what only other calls tell.
func (c *clients) readVpcDetails(ctx context.Context, id string, out provider.Values) error {
	support, err := c.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{
		VpcId: &id, Attribute: types.VpcAttributeNameEnableDnsSupport,
	})
	if err != nil {
		return err
	}
	out["enableDnsSupport"] = support.EnableDnsSupport.Value
	hostnames, err := c.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{
		VpcId: &id, Attribute: types.VpcAttributeNameEnableDnsHostnames,
	})
	if err != nil {
		return err
	}
	out["enableDnsHostnames"] = hostnames.EnableDnsHostnames.Value
	groups, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
		Filters: ec2Filters("vpc-id", id, "group-name", "default"),
	})
	if err != nil {
		return err
	}
	if len(groups.SecurityGroups) > 0 {
		out["defaultSecurityGroupId"] = groups.SecurityGroups[0].GroupId
	}
	tables, err := c.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{
		Filters: ec2Filters("vpc-id", id, "association.main", "true"),
	})
	if err != nil {
		return err
	}
	if len(tables.RouteTables) > 0 {
		out["mainRouteTableId"] = tables.RouteTables[0].RouteTableId
	}
	return nil
}
