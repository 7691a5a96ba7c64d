package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) readVpc(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	vpc, err := c.describeVpc(ctx, id)
	if err != nil {
		return nil, err
	}
	ipv6 := vpcIpv6(vpc)
	out := provider.Values{
		"cidrBlock": vpc.CidrBlock, "instanceTenancy": vpc.InstanceTenancy, "dhcpOptionsId": vpc.DhcpOptionsId,
		"ownerId": c.account, "arn": c.arn("ec2", "vpc/"+id), "tags": fromEC2Tags(vpc.Tags),
		"assignGeneratedIpv6CidrBlock": ipv6.AssociationId != nil,
		"ipv6CidrBlock":                aws.ToString(ipv6.Ipv6CidrBlock),
		"ipv6AssociationId":            aws.ToString(ipv6.AssociationId),
	}
	if err := c.readVpcDNS(ctx, id, out); err != nil {
		return nil, err
	}
	return out, c.readVpcDefaults(ctx, id, out)
}

func (c *clients) readVpcDNS(ctx context.Context, id string, out provider.Values) error {
	support, err := c.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{
		VpcId: &id, Attribute: types.VpcAttributeNameEnableDnsSupport,
	})
	if err != nil {
		return err
	}
	hostnames, err := c.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{
		VpcId: &id, Attribute: types.VpcAttributeNameEnableDnsHostnames,
	})
	if err != nil {
		return err
	}
	out["enableDnsSupport"] = support.EnableDnsSupport.Value
	out["enableDnsHostnames"] = hostnames.EnableDnsHostnames.Value
	return nil
}

// readVpcDefaults adds what AWS makes with every VPC.
func (c *clients) readVpcDefaults(ctx context.Context, id string, out provider.Values) error {
	group, err := c.defaultGroup(ctx, id)
	if err != nil && !isGone(err) {
		return err
	}
	out["defaultSecurityGroupId"] = group.GroupId
	tables, err := c.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{
		Filters: ec2Filters("vpc-id", id, "association.main", "true"),
	})
	if err != nil {
		return err
	}
	if table, err := first(tables.RouteTables); err == nil {
		out["mainRouteTableId"], out["defaultRouteTableId"] = table.RouteTableId, table.RouteTableId
	}
	acls, err := c.ec2.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{
		Filters: ec2Filters("vpc-id", id, "default", "true"),
	})
	if err != nil {
		return err
	}
	if acl, err := first(acls.NetworkAcls); err == nil {
		out["defaultNetworkAclId"] = acl.NetworkAclId
	}
	return nil
}
