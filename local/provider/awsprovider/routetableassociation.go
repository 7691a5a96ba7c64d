package awsprovider

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) routeTableAssociation() provider.Type {
	return provider.Type{
		Props: map[string]provider.Prop{
			"routeTableId": {Required: true},
			"subnetId":     {Replace: true},
		},
		Validate: func(in provider.Values) []string { return oneNeeded(in, "subnetId") },
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			out, err := c.ec2.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{
				RouteTableId: optional(in, "routeTableId"), SubnetId: optional(in, "subnetId"),
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.AssociationId), nil
		},
		Read:   c.readRouteTableAssociation,
		Update: c.updateRouteTableAssociation,
		Delete: func(ctx context.Context, id string, state provider.Values) error {
			association, err := c.findAssociation(ctx, id, state)
			if isGone(err) {
				return nil
			}
			if err != nil {
				return err
			}
			return c.disassociateRouteTable(ctx, association.RouteTableAssociationId)
		},
		Import: c.importRouteTableAssociation,
	}
}

// findAssociation finds the association of the subnet if that is known, otherwise the one with that id. The id in AWS
// changes when the table is replaced, while Pulumi keeps the first one.
func (c *clients) findAssociation(
	ctx context.Context, id string, known provider.Values,
) (types.RouteTableAssociation, error) {
	filter := ec2Filters("association.route-table-association-id", id)
	if subnet := known.Str("subnetId"); subnet != "" {
		filter = ec2Filters("association.subnet-id", subnet)
	}
	tables, err := c.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: filter})
	if err != nil {
		return types.RouteTableAssociation{}, err
	}
	for _, table := range tables.RouteTables {
		for _, found := range table.Associations {
			if aws.ToString(found.RouteTableAssociationId) == id ||
				found.SubnetId != nil && aws.ToString(found.SubnetId) == known.Str("subnetId") {
				return found, nil
			}
		}
	}
	return types.RouteTableAssociation{}, provider.ErrGone
}

func (c *clients) readRouteTableAssociation(
	ctx context.Context, id string, known provider.Values,
) (provider.Values, error) {
	association, err := c.findAssociation(ctx, id, known)
	if err != nil {
		return nil, err
	}
	return provider.Values{"routeTableId": association.RouteTableId, "subnetId": association.SubnetId}, nil
}

func (c *clients) updateRouteTableAssociation(ctx context.Context, change provider.Change) error {
	association, err := c.findAssociation(ctx, change.ID, change.Old)
	if err != nil {
		return err
	}
	_, err = c.ec2.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{
		AssociationId: association.RouteTableAssociationId, RouteTableId: optional(change.New, "routeTableId"),
	})
	return err
}

// importRouteTableAssociation finds an association by "<subnet id>/<route table id>".
func (c *clients) importRouteTableAssociation(ctx context.Context, id string) (string, provider.Values, error) {
	subnet, table, ok := strings.Cut(id, "/")
	if !ok {
		return id, nil, nil
	}
	known := provider.Values{"subnetId": subnet}
	association, err := c.findAssociation(ctx, "", known)
	if err == nil && aws.ToString(association.RouteTableId) != table {
		err = provider.ErrGone
	}
	return aws.ToString(association.RouteTableAssociationId), known, err
}
