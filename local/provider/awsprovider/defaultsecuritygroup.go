package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// defaultSecurityGroup adopts the group that AWS creates with every VPC: creating the resource removes the group's
// rules, deleting it only forgets the group.
func (c *clients) defaultSecurityGroup() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"vpcId":               {Computed: true, Replace: true},
			"ingress":             inlineRules,
			"egress":              inlineRules,
			"revokeRulesOnDelete": {Default: false, InputOnly: true},
			"name":                {Output: true},
			"description":         {Output: true},
			"arn":                 {Output: true},
			"ownerId":             {Output: true},
		}),
		Create: c.adoptDefaultSecurityGroup,
		Read:   c.readSecurityGroup,
		Update: c.securityGroup().Update,
		Delete: func(context.Context, string, provider.Values) error { return nil },
	}
}

func (c *clients) adoptDefaultSecurityGroup(ctx context.Context, in provider.Values) (string, error) {
	vpc := in.Str("vpcId")
	if vpc == "" {
		found, err := c.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: ec2Filters("is-default", "true")})
		if err != nil {
			return "", err
		}
		own, err := first(found.Vpcs)
		if err != nil {
			return "", err
		}
		vpc = aws.ToString(own.VpcId)
	}
	group, err := c.defaultGroup(ctx, vpc)
	if err != nil {
		return "", err
	}
	id := aws.ToString(group.GroupId)
	if err := c.setEC2Tags(ctx, id, fromEC2Tags(group.Tags), in.StrMap("tagsAll")); err != nil {
		return id, err
	}
	if err := c.revokeAllRules(ctx, id); err != nil {
		return id, err
	}
	return id, c.authorizeInlineRules(ctx, id, in)
}

// defaultGroup finds the default security group of a VPC.
func (c *clients) defaultGroup(ctx context.Context, vpc string) (types.SecurityGroup, error) {
	groups, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
		Filters: ec2Filters("vpc-id", vpc, "group-name", "default"),
	})
	if err != nil {
		return types.SecurityGroup{}, err
	}
	return first(groups.SecurityGroups)
}
