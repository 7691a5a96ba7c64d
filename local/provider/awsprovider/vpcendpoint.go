package awsprovider

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"webstack/local/provider"
)

// vpcEndpoint describes gateway endpoints; the other kinds cost money and are not useful for one small server.
func (c *clients) vpcEndpoint() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"vpcId":           {Required: true, Replace: true},
			"serviceName":     {Replace: true},
			"vpcEndpointType": {Default: "Gateway", Replace: true, Check: checkOneOf("Gateway")},
			"routeTableIds":   {Computed: true, Set: true},
			"arn":             {Output: true},
			"ownerId":         {Output: true},
			"prefixListId":    {Output: true},
			"cidrBlocks":      {Output: true},
			"state":           {Output: true},
		}),
		Create: c.createVpcEndpoint,
		Read:   c.readVpcEndpoint,
		Update: c.updateVpcEndpoint,
		Delete: c.deleteVpcEndpoint,
	}
}

func (c *clients) createVpcEndpoint(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{
		VpcId:             optional(in, "vpcId"),
		ServiceName:       optional(in, "serviceName"),
		VpcEndpointType:   types.VpcEndpointType(in.Str("vpcEndpointType")),
		RouteTableIds:     in.Strs("routeTableIds"),
		TagSpecifications: ec2TagSpec(types.ResourceTypeVpcEndpoint, in),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.VpcEndpoint.VpcEndpointId)
	return id, c.untilVpcEndpointAvailable(ctx, id)
}

func (c *clients) untilVpcEndpointAvailable(ctx context.Context, id string) error {
	return untilState(ctx, id, "available", func() (string, error) {
		endpoint, err := c.describeVpcEndpoint(ctx, id)
		return endpointState(endpoint), err
	}, "failed", "rejected", "expired")
}

// endpointState returns the state of an endpoint as AWS spells it; the SDK and the emulator begin it with a capital
// letter.
func endpointState(endpoint types.VpcEndpoint) string { return strings.ToLower(string(endpoint.State)) }

func (c *clients) updateVpcEndpoint(ctx context.Context, change provider.Change) error {
	if change.Changed("routeTableIds") && change.New.Has("routeTableIds") {
		old, news := change.Old.Strs("routeTableIds"), change.New.Strs("routeTableIds")
		_, err := c.ec2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{
			VpcEndpointId: &change.ID, AddRouteTableIds: without(news, old), RemoveRouteTableIds: without(old, news),
		})
		if err != nil {
			return err
		}
		if err := c.untilVpcEndpointAvailable(ctx, change.ID); err != nil {
			return err
		}
	}
	return c.retagEC2(ctx, change)
}

func (c *clients) describeVpcEndpoint(ctx context.Context, id string) (types.VpcEndpoint, error) {
	out, err := c.ec2.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
	if err != nil {
		return types.VpcEndpoint{}, gone(err, "InvalidVpcEndpointId.NotFound")
	}
	endpoint, err := first(out.VpcEndpoints)
	if err == nil && endpointState(endpoint) == "deleted" {
		err = provider.ErrGone
	}
	return endpoint, err
}

func (c *clients) readVpcEndpoint(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	endpoint, err := c.describeVpcEndpoint(ctx, id)
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"vpcId": endpoint.VpcId, "serviceName": endpoint.ServiceName, "vpcEndpointType": endpoint.VpcEndpointType,
		"routeTableIds": endpoint.RouteTableIds, "state": endpointState(endpoint), "ownerId": c.account,
		"arn": c.arn("ec2", "vpc-endpoint/"+id), "tags": fromEC2Tags(endpoint.Tags),
	}
	lists, err := c.ec2.DescribePrefixLists(ctx, &ec2.DescribePrefixListsInput{
		Filters: ec2Filters("prefix-list-name", aws.ToString(endpoint.ServiceName)),
	})
	if err != nil {
		return nil, err
	}
	if list, err := first(lists.PrefixLists); err == nil {
		out["prefixListId"], out["cidrBlocks"] = list.PrefixListId, list.Cidrs
	}
	return out, nil
}

// deleteVpcEndpoint first removes the endpoint from its route tables: the emulated account refuses to delete an
// endpoint that was added to a table after its creation.
func (c *clients) deleteVpcEndpoint(ctx context.Context, id string, _ provider.Values) error {
	endpoint, err := c.describeVpcEndpoint(ctx, id)
	if isGone(err) {
		return nil
	}
	if err == nil && len(endpoint.RouteTableIds) > 0 {
		_, err = c.ec2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{
			VpcEndpointId: &id, RemoveRouteTableIds: endpoint.RouteTableIds,
		})
	}
	if err != nil {
		return err
	}
	return deleted(ctx, id, func() error {
		out, err := c.ec2.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
		if err != nil {
			return err
		}
		for _, failed := range out.Unsuccessful {
			return &smithy.GenericAPIError{
				Code: aws.ToString(failed.Error.Code), Message: aws.ToString(failed.Error.Message),
			}
		}
		return nil
	}, c.describeVpcEndpoint, "InvalidVpcEndpoint.NotFound", "InvalidVpcEndpointId.NotFound")
}
