package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// routeDestinations are the properties for the destination of a route, and routeTargets those for its target.
var (
	routeDestinations = []string{"destinationCidrBlock", "destinationIpv6CidrBlock"}
	routeTargets      = []string{"gatewayId", "natGatewayId", "egressOnlyGatewayId"}
)

func (c *clients) route() provider.Type {
	props := map[string]provider.Prop{
		"routeTableId":             {Required: true, Replace: true},
		"destinationCidrBlock":     {Replace: true, Check: checkCIDR4},
		"destinationIpv6CidrBlock": {Replace: true, Check: checkCIDR6, Equal: sameCIDR},
		"instanceId":               {Output: true},
		"instanceOwnerId":          {Output: true},
		"origin":                   {Output: true},
		"state":                    {Output: true},
	}
	for _, key := range routeTargets {
		props[key] = provider.Prop{}
	}
	return provider.Type{
		Props:        props,
		ExactlyOneOf: [][]string{routeDestinations, routeTargets},
		Validate: func(in provider.Values) []string {
			return conflicts(in, "egressOnlyGatewayId", "destinationCidrBlock")
		},
		Create: c.createRoute,
		Read:   c.readRoute,
		Update: c.updateRoute,
		Delete: c.deleteRoute,
		Import: c.importRoute,
	}
}

// routeID returns the id of the route to a destination; AWS itself has none for routes.
func routeID(table, destination string) string {
	return fmt.Sprintf("r-%s%d", table, crc32.ChecksumIEEE([]byte(destination)))
}

// routeDestination returns the destination that the properties name.
func routeDestination(in provider.Values) string {
	for _, key := range routeDestinations {
		if in.Str(key) != "" {
			return in.Str(key)
		}
	}
	return ""
}

func (c *clients) createRoute(ctx context.Context, in provider.Values) (string, error) {
	table, destination := in.Str("routeTableId"), routeDestination(in)
	existing, err := c.findRoute(ctx, table, destination)
	if err == nil && existing.Origin == types.RouteOriginCreateRoute {
		return "", fmt.Errorf("create the route from %s to %s: it already exists", table, destination)
	}
	if err != nil && !isGone(err) {
		return "", err
	}
	_, err = c.ec2.CreateRoute(ctx, &ec2.CreateRouteInput{
		RouteTableId:                &table,
		DestinationCidrBlock:        optional(in, "destinationCidrBlock"),
		DestinationIpv6CidrBlock:    optional(in, "destinationIpv6CidrBlock"),
		GatewayId:                   optional(in, "gatewayId"),
		NatGatewayId:                optional(in, "natGatewayId"),
		EgressOnlyInternetGatewayId: optional(in, "egressOnlyGatewayId"),
	})
	if err != nil {
		return "", err
	}
	return routeID(table, destination), nil
}

func (c *clients) updateRoute(ctx context.Context, change provider.Change) error {
	if !change.Changed(routeTargets...) {
		return nil
	}
	in := change.New
	_, err := c.ec2.ReplaceRoute(ctx, &ec2.ReplaceRouteInput{
		RouteTableId:                optional(in, "routeTableId"),
		DestinationCidrBlock:        optional(in, "destinationCidrBlock"),
		DestinationIpv6CidrBlock:    optional(in, "destinationIpv6CidrBlock"),
		GatewayId:                   optional(in, "gatewayId"),
		NatGatewayId:                optional(in, "natGatewayId"),
		EgressOnlyInternetGatewayId: optional(in, "egressOnlyGatewayId"),
	})
	return err
}

func (c *clients) findRoute(ctx context.Context, table, destination string) (types.Route, error) {
	found, err := c.describeRouteTable(ctx, table)
	if err != nil {
		return types.Route{}, err
	}
	for _, route := range found.Routes {
		if to := destinationOf(route); to == destination || sameCIDR(to, destination) {
			return route, nil
		}
	}
	return types.Route{}, provider.ErrGone
}

func destinationOf(route types.Route) string {
	return aws.ToString(route.DestinationCidrBlock) + aws.ToString(route.DestinationIpv6CidrBlock)
}

func (c *clients) readRoute(ctx context.Context, _ string, known provider.Values) (provider.Values, error) {
	route, err := c.findRoute(ctx, known.Str("routeTableId"), routeDestination(known))
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"routeTableId": known["routeTableId"], "instanceId": aws.ToString(route.InstanceId),
		"instanceOwnerId": aws.ToString(route.InstanceOwnerId), "origin": route.Origin, "state": route.State,
	}
	for key, value := range map[string]string{
		"destinationCidrBlock":     aws.ToString(route.DestinationCidrBlock),
		"destinationIpv6CidrBlock": aws.ToString(route.DestinationIpv6CidrBlock),
		"gatewayId":                aws.ToString(route.GatewayId),
		"natGatewayId":             aws.ToString(route.NatGatewayId),
		"egressOnlyGatewayId":      aws.ToString(route.EgressOnlyInternetGatewayId),
	} {
		if value != "" {
			out[key] = value
		}
	}
	return out, nil
}

func (c *clients) deleteRoute(ctx context.Context, _ string, state provider.Values) error {
	if state.Str("gatewayId") == "local" {
		return nil // the VPC's own route cannot be deleted
	}
	_, err := c.ec2.DeleteRoute(ctx, &ec2.DeleteRouteInput{
		RouteTableId:             optional(state, "routeTableId"),
		DestinationCidrBlock:     optional(state, "destinationCidrBlock"),
		DestinationIpv6CidrBlock: optional(state, "destinationIpv6CidrBlock"),
	})
	return unlessGone(err, "InvalidRoute.NotFound", "InvalidRouteTableID.NotFound")
}

// importRoute finds a route by "<route table id>_<destination>".
func (c *clients) importRoute(ctx context.Context, id string) (string, provider.Values, error) {
	table, destination, ok := strings.Cut(id, "_")
	if !ok {
		return "", nil, errors.New("import a route by <route table id>_<destination>")
	}
	route, err := c.findRoute(ctx, table, destination)
	if err != nil {
		return "", nil, err
	}
	return routeID(table, destinationOf(route)), provider.Values{
		"routeTableId": table, "destinationCidrBlock": route.DestinationCidrBlock,
		"destinationIpv6CidrBlock": route.DestinationIpv6CidrBlock,
	}, nil
}
