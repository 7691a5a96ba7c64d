package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) internetGateway() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"vpcId":   {Computed: true},
			"arn":     {Output: true},
			"ownerId": {Output: true},
		}),
		Create: c.createInternetGateway,
		Read:   c.readInternetGateway,
		Update: c.updateInternetGateway,
		Delete: c.deleteInternetGateway,
	}
}

func (c *clients) createInternetGateway(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{
		TagSpecifications: ec2TagSpec(types.ResourceTypeInternetGateway, in),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.InternetGateway.InternetGatewayId)
	return id, c.attachInternetGateway(ctx, id, in.Str("vpcId"))
}

// attachInternetGateway attaches the gateway to the VPC; without a VPC it does nothing.
func (c *clients) attachInternetGateway(ctx context.Context, id, vpc string) error {
	if vpc == "" {
		return nil
	}
	_, err := c.ec2.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: &id, VpcId: &vpc})
	return err
}

// detachInternetGateway detaches the gateway; public addresses that are still mapped hold that up for a while.
func (c *clients) detachInternetGateway(ctx context.Context, id, vpc string) error {
	if vpc == "" {
		return nil
	}
	err := retrying(ctx, dependencyPatience, func() error {
		_, err := c.ec2.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &id, VpcId: &vpc})
		return err
	}, "DependencyViolation")
	return unlessGone(err, "Gateway.NotAttached", "InvalidInternetGatewayID.NotFound", "InvalidVpcID.NotFound")
}

func (c *clients) updateInternetGateway(ctx context.Context, change provider.Change) error {
	if old, vpc := change.Old.Str("vpcId"), change.New.Str("vpcId"); change.Changed("vpcId") && old != vpc {
		if err := c.detachInternetGateway(ctx, change.ID, old); err != nil {
			return err
		}
		if err := c.attachInternetGateway(ctx, change.ID, vpc); err != nil {
			return err
		}
	}
	return c.retagEC2(ctx, change)
}

func (c *clients) describeInternetGateway(ctx context.Context, id string) (types.InternetGateway, error) {
	out, err := c.ec2.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{id}})
	if err != nil {
		return types.InternetGateway{}, gone(err, "InvalidInternetGatewayID.NotFound")
	}
	return first(out.InternetGateways)
}

func (c *clients) readInternetGateway(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	gateway, err := c.describeInternetGateway(ctx, id)
	if err != nil {
		return nil, err
	}
	vpc := ""
	if attachment, err := first(gateway.Attachments); err == nil {
		vpc = aws.ToString(attachment.VpcId)
	}
	return provider.Values{
		"vpcId": vpc, "arn": c.arn("ec2", "internet-gateway/"+id), "ownerId": c.account, "tags": fromEC2Tags(gateway.Tags),
	}, nil
}

func (c *clients) deleteInternetGateway(ctx context.Context, id string, state provider.Values) error {
	if err := c.detachInternetGateway(ctx, id, state.Str("vpcId")); err != nil {
		return err
	}
	return deleted(ctx, id, func() error {
		_, err := c.ec2.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &id})
		return err
	}, c.describeInternetGateway, "InvalidInternetGatewayID.NotFound")
}
