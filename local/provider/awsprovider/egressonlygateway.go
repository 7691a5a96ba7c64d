package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) egressOnlyInternetGateway() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"vpcId": {Required: true, Replace: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			out, err := c.ec2.CreateEgressOnlyInternetGateway(ctx, &ec2.CreateEgressOnlyInternetGatewayInput{
				VpcId:             optional(in, "vpcId"),
				TagSpecifications: ec2TagSpec(types.ResourceTypeEgressOnlyInternetGateway, in),
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.EgressOnlyInternetGateway.EgressOnlyInternetGatewayId), nil
		},
		Read:   c.readEgressOnlyInternetGateway,
		Update: c.retagEC2,
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.ec2.DeleteEgressOnlyInternetGateway(ctx, &ec2.DeleteEgressOnlyInternetGatewayInput{
				EgressOnlyInternetGatewayId: &id,
			})
			return unlessGone(err, "InvalidGatewayID.NotFound")
		},
	}
}

func (c *clients) readEgressOnlyInternetGateway(
	ctx context.Context, id string, _ provider.Values,
) (provider.Values, error) {
	found, err := c.ec2.DescribeEgressOnlyInternetGateways(ctx, &ec2.DescribeEgressOnlyInternetGatewaysInput{
		EgressOnlyInternetGatewayIds: []string{id},
	})
	if err != nil {
		return nil, gone(err, "InvalidGatewayID.NotFound")
	}
	gateway, err := first(found.EgressOnlyInternetGateways)
	if err != nil {
		return nil, err
	}
	out := provider.Values{"tags": fromEC2Tags(gateway.Tags)}
	if len(gateway.Attachments) == 1 && gateway.Attachments[0].State == types.AttachmentStatusAttached {
		out["vpcId"] = gateway.Attachments[0].VpcId
	}
	return out, nil
}
