package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"webstack/local/provider"
)

func (c *clients) eipAssociation() provider.Type {
	given, output := provider.Prop{Computed: true, Replace: true}, provider.Prop{Output: true}
	return provider.Type{
		Props: map[string]provider.Prop{
			"allocationId": given, "instanceId": given,
			"networkInterfaceId": output, "privateIpAddress": output, "publicIp": output,
		},
		Create: c.createEipAssociation,
		Read:   c.readEipAssociation,
		Delete: func(ctx context.Context, id string, _ provider.Values) error { return c.disassociateEip(ctx, id) },
	}
}

func (c *clients) createEipAssociation(ctx context.Context, in provider.Values) (string, error) {
	var id string
	err := retrying(ctx, dependencyPatience, func() error {
		out, err := c.ec2.AssociateAddress(ctx, &ec2.AssociateAddressInput{
			AllocationId: optional(in, "allocationId"), InstanceId: optional(in, "instanceId"),
			AllowReassociation: aws.Bool(false),
		})
		if err == nil {
			id = aws.ToString(out.AssociationId)
		}
		return err
	}, "IncorrectInstanceState", "InvalidInstanceID")
	return id, err
}

func (c *clients) readEipAssociation(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	found, err := c.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{Filters: ec2Filters("association-id", id)})
	if err != nil {
		return nil, gone(err, "InvalidAssociationID.NotFound")
	}
	address, err := first(found.Addresses)
	if err != nil {
		return nil, err
	}
	return provider.Values{
		"allocationId": address.AllocationId, "instanceId": aws.ToString(address.InstanceId),
		"networkInterfaceId": address.NetworkInterfaceId, "privateIpAddress": address.PrivateIpAddress,
		"publicIp": address.PublicIp,
	}, nil
}
