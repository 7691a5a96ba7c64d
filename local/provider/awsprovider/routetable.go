package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) routeTable() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"vpcId":   {Required: true, Replace: true},
			"arn":     {Output: true},
			"ownerId": {Output: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			out, err := c.ec2.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{
				VpcId: optional(in, "vpcId"), TagSpecifications: ec2TagSpec(types.ResourceTypeRouteTable, in),
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.RouteTable.RouteTableId), nil
		},
		Read:   c.readRouteTable,
		Update: c.retagEC2,
		Delete: c.deleteRouteTable,
	}
}

func (c *clients) describeRouteTable(ctx context.Context, id string) (types.RouteTable, error) {
	out, err := c.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{id}})
	if err != nil {
		return types.RouteTable{}, gone(err, "InvalidRouteTableID.NotFound")
	}
	return first(out.RouteTables)
}

func (c *clients) readRouteTable(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	table, err := c.describeRouteTable(ctx, id)
	if err != nil {
		return nil, err
	}
	return provider.Values{
		"vpcId": table.VpcId, "arn": c.arn("ec2", "route-table/"+id), "ownerId": c.account,
		"tags": fromEC2Tags(table.Tags),
	}, nil
}

// deleteRouteTable first removes the table from the subnets that still use it.
func (c *clients) deleteRouteTable(ctx context.Context, id string, _ provider.Values) error {
	table, err := c.describeRouteTable(ctx, id)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, association := range table.Associations {
		if err := c.disassociateRouteTable(ctx, association.RouteTableAssociationId); err != nil {
			return err
		}
	}
	return deleted(ctx, id, func() error {
		_, err := c.ec2.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &id})
		return err
	}, c.describeRouteTable, "InvalidRouteTableID.NotFound")
}

func (c *clients) disassociateRouteTable(ctx context.Context, association *string) error {
	_, err := c.ec2.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: association})
	return unlessGone(err, "InvalidAssociationID.NotFound")
}
