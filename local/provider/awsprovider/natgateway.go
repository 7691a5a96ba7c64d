package awsprovider

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) natGateway() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"subnetId":           {Required: true, Replace: true},
			"allocationId":       {Replace: true},
			"privateIp":          {Output: true},
			"associationId":      {Output: true},
			"networkInterfaceId": {Output: true},
			"publicIp":           {Output: true},
		}),
		Create: c.createNatGateway,
		Read:   c.readNatGateway,
		Update: c.retagEC2,
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			return deleted(ctx, id, func() error {
				_, err := c.ec2.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: &id})
				return err
			}, c.describeNatGateway, "NatGatewayNotFound")
		},
	}
}

func (c *clients) createNatGateway(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{
		SubnetId: optional(in, "subnetId"), AllocationId: optional(in, "allocationId"),
		TagSpecifications: ec2TagSpec(types.ResourceTypeNatgateway, in),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.NatGateway.NatGatewayId)
	return id, untilState(ctx, id, types.NatGatewayStateAvailable, func() (types.NatGatewayState, error) {
		gateway, err := c.describeNatGateway(ctx, id)
		if err == nil && gateway.State == types.NatGatewayStateFailed {
			code, message := aws.ToString(gateway.FailureCode), aws.ToString(gateway.FailureMessage)
			err = fmt.Errorf("create the gateway: %s: %s", code, message)
		}
		return gateway.State, err
	})
}

func (c *clients) describeNatGateway(ctx context.Context, id string) (types.NatGateway, error) {
	out, err := c.ec2.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{id}})
	if err != nil {
		return types.NatGateway{}, gone(err, "NatGatewayNotFound")
	}
	gateway, err := first(out.NatGateways)
	if err == nil && gateway.State == types.NatGatewayStateDeleted {
		err = provider.ErrGone
	}
	return gateway, err
}

func (c *clients) readNatGateway(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	gateway, err := c.describeNatGateway(ctx, id)
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"subnetId": gateway.SubnetId, "tags": fromEC2Tags(gateway.Tags),
	}
	if address, err := first(gateway.NatGatewayAddresses); err == nil {
		out["allocationId"], out["associationId"] = address.AllocationId, address.AssociationId
		out["networkInterfaceId"], out["privateIp"] = address.NetworkInterfaceId, address.PrivateIp
		out["publicIp"] = aws.ToString(address.PublicIp)
	}
	return out, nil
}
