package awsprovider

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"

	"webstack/local/provider"
)

// Package returns the aws provider for the AWS endpoint at that URL, which it calls with those keys.
func Package(endpoint string, keys aws.CredentialsProvider) provider.Package {
	return provider.Package{
		Name:    "aws",
		Version: "6.83.4",
		Config:  configProps,
		Configure: func(ctx context.Context, config provider.Values) (*provider.Instance, error) {
			region := config.Str("region")
			if region == "" {
				return nil, fmt.Errorf("find the region: set aws:region in the stack config")
			}
			c, err := newClients(ctx, endpoint, keys, region)
			if err != nil {
				return nil, fmt.Errorf("look up the account at %s: %w", endpoint, err)
			}
			return &provider.Instance{
				Types:       resourceTypes(c),
				Functions:   functions(c),
				DefaultTags: config.Object("defaultTags").StrMap("tags"),
			}, nil
		},
	}
}

// configProps are the provider settings that the program or a stack may use. The endpoint and the credentials are the
// laptop cloud's own, so settings about those are accepted and have no effect here.
var configProps = map[string]provider.Prop{
	"region":                    {},
	"defaultTags":               {Parsed: true, Fields: map[string]provider.Prop{"tags": {}}},
	"allowedAccountIds":         {Parsed: true},
	"profile":                   {},
	"accessKey":                 {Secret: true},
	"secretKey":                 {Secret: true},
	"maxRetries":                {Parsed: true},
	"s3UsePathStyle":            {Parsed: true},
	"skipCredentialsValidation": {Parsed: true},
	"skipMetadataApiCheck":      {Parsed: true},
	"skipRegionValidation":      {Parsed: true},
	"skipRequestingAccountId":   {Parsed: true},
	"endpoints":                 {Parsed: true},
}

// resourceTypes returns the table of all resource types, by token.
func resourceTypes(c *clients) map[string]provider.Type {
	out := map[string]provider.Type{}
	for _, family := range []map[string]provider.Type{
		ec2Types(c), ecrTypes(c), iamTypes(c), s3Types(c), ssmTypes(c),
	} {
		maps.Copy(out, family)
	}
	return out
}

// functions returns the table of all functions, by token.
func functions(c *clients) map[string]provider.Function {
	out := map[string]provider.Function{}
	for _, family := range []map[string]provider.Function{
		ec2Functions(c), ssmFunctions(c),
	} {
		maps.Copy(out, family)
	}
	return out
}

func ec2Types(c *clients) map[string]provider.Type {
	return map[string]provider.Type{
		"aws:ebs/volume:Volume":                                       c.volume(),
		"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":           c.defaultSecurityGroup(),
		"aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": c.egressOnlyInternetGateway(),
		"aws:ec2/eip:Eip":                                             c.eip(),
		"aws:ec2/eipAssociation:EipAssociation":                       c.eipAssociation(),
		"aws:ec2/instance:Instance":                                   c.instance(),
		"aws:ec2/internetGateway:InternetGateway":                     c.internetGateway(),
		"aws:ec2/natGateway:NatGateway":                               c.natGateway(),
		"aws:ec2/route:Route":                                         c.route(),
		"aws:ec2/routeTable:RouteTable":                               c.routeTable(),
		"aws:ec2/routeTableAssociation:RouteTableAssociation":         c.routeTableAssociation(),
		"aws:ec2/securityGroup:SecurityGroup":                         c.securityGroup(),
		"aws:ec2/subnet:Subnet":                                       c.subnet(),
		"aws:ec2/volumeAttachment:VolumeAttachment":                   c.volumeAttachment(),
		"aws:ec2/vpc:Vpc":                                             c.vpc(),
		"aws:ec2/vpcEndpoint:VpcEndpoint":                             c.vpcEndpoint(),
		"aws:kms/alias:Alias":                                         c.kmsAlias(),
		"aws:kms/key:Key":                                             c.kmsKey(),
		"aws:rds/instance:Instance":                                   c.dbInstance(),
		"aws:rds/parameterGroup:ParameterGroup":                       c.dbParameterGroup(),
		"aws:rds/subnetGroup:SubnetGroup":                             c.dbSubnetGroup(),
		"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":     c.securityGroupRule(true),
		"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":   c.securityGroupRule(false),
	}
}

func ec2Functions(c *clients) map[string]provider.Function {
	return map[string]provider.Function{
		"aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": c.getInstanceTypeOfferings(),
		"aws:index/getAvailabilityZones:getAvailabilityZones":       c.getAvailabilityZones(),
		"aws:index/getCallerIdentity:getCallerIdentity":             c.getCallerIdentity(),
	}
}
