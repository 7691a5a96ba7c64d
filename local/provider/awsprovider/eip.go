package awsprovider

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) eip() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"domain":           {Computed: true, Replace: true, Check: checkOneOf("vpc", "standard")},
			"instance":         {Output: true},
			"networkInterface": {Output: true},
			"allocationId":     {Output: true},
			"associationId":    {Output: true},
			"arn":              {Output: true},
			"publicIp":         {Output: true},
			"publicDns":        {Output: true},
			"privateIp":        {Output: true},
			"privateDns":       {Output: true},
		}),
		Create: c.createEip,
		Read:   c.readEip,
		Update: c.retagEC2,
		Delete: c.deleteEip,
		Import: func(_ context.Context, id string) (string, provider.Values, error) {
			if !strings.HasPrefix(id, "eipalloc-") {
				return "", nil, errors.New("import an elastic IP by its allocation id, such as eipalloc-0123456789abcdef0")
			}
			return id, nil, nil
		},
	}
}

func (c *clients) createEip(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.AllocateAddress(ctx, &ec2.AllocateAddressInput{
		Domain:            types.DomainType(in.Str("domain")),
		TagSpecifications: ec2TagSpec(types.ResourceTypeElasticIp, in),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.AllocationId), nil
}

func (c *clients) disassociateEip(ctx context.Context, association string) error {
	if association == "" {
		return nil
	}
	_, err := c.ec2.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: &association})
	return unlessGone(err, "InvalidAssociationID.NotFound")
}

func (c *clients) describeEip(ctx context.Context, id string) (types.Address, error) {
	out, err := c.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{id}})
	if err != nil {
		return types.Address{}, gone(err, "InvalidAllocationID.NotFound")
	}
	return first(out.Addresses)
}

func (c *clients) readEip(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	address, err := c.describeEip(ctx, id)
	if err != nil {
		return nil, err
	}
	public, private := aws.ToString(address.PublicIp), aws.ToString(address.PrivateIpAddress)
	return provider.Values{
		"domain": address.Domain, "instance": aws.ToString(address.InstanceId),
		"networkInterface": aws.ToString(address.NetworkInterfaceId), "allocationId": id,
		"associationId": aws.ToString(address.AssociationId), "arn": c.arn("ec2", "elastic-ip/"+id),
		"publicIp": public, "publicDns": c.publicDNS(public), "privateIp": private, "privateDns": c.privateDNS(private),
		"tags": fromEC2Tags(address.Tags),
	}, nil
}

// publicDNS returns the name that AWS has for a public IPv4 address in this region.
func (c *clients) publicDNS(ip string) string {
	zone := c.region + ".compute"
	if c.region == "us-east-1" {
		zone = "compute-1"
	}
	return dashed("ec2-", ip, "."+zone+".amazonaws.com")
}

// privateDNS returns the name that AWS has for a private IPv4 address in this region.
func (c *clients) privateDNS(ip string) string {
	zone := c.region + ".compute"
	if c.region == "us-east-1" {
		zone = "ec2"
	}
	return dashed("ip-", ip, "."+zone+".internal")
}

func dashed(before, ip, after string) string {
	if ip == "" {
		return ""
	}
	return before + strings.ReplaceAll(ip, ".", "-") + after
}

func (c *clients) deleteEip(ctx context.Context, id string, _ provider.Values) error {
	address, err := c.describeEip(ctx, id)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.disassociateEip(ctx, aws.ToString(address.AssociationId)); err != nil {
		return err
	}
	_, err = c.ec2.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: &id})
	return unlessGone(err, "InvalidAllocationID.NotFound")
}
