package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// noRules describes ingress and egress: the program may only say that there are no rules.
var noRules = provider.Prop{Computed: true, Check: func(value any) string {
	if list, _ := value.([]any); len(list) > 0 {
		return "the laptop cloud does not support inline rules; use resources of type aws:vpc/securityGroupIngressRule:" +
			"SecurityGroupIngressRule and SecurityGroupEgressRule"
	}
	return ""
}}

// defaultSecurityGroup adopts the group that AWS creates with every VPC: creating the resource removes the group's
// rules, deleting it only forgets the group.
func (c *clients) defaultSecurityGroup() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"vpcId":       {Computed: true, Replace: true},
			"ingress":     noRules,
			"egress":      noRules,
			"name":        {Output: true},
			"description": {Output: true},
			"arn":         {Output: true},
			"ownerId":     {Output: true},
		}),
		Validate: func(in provider.Values) []string { return oneNeeded(in, "vpcId") },
		Create:   c.adoptDefaultSecurityGroup,
		Read:     c.readDefaultSecurityGroup,
		Update:   c.updateDefaultSecurityGroup,
		Delete:   func(context.Context, string, provider.Values) error { return nil },
	}
}

func (c *clients) adoptDefaultSecurityGroup(ctx context.Context, in provider.Values) (string, error) {
	group, err := c.defaultGroup(ctx, in.Str("vpcId"))
	if err != nil {
		return "", err
	}
	id := aws.ToString(group.GroupId)
	if err := c.setEC2Tags(ctx, id, fromEC2Tags(group.Tags), in.StrMap("tagsAll")); err != nil {
		return id, err
	}
	return id, c.revokeAllRules(ctx, id)
}

// readDefaultSecurityGroup tells of a rule that somebody added, in few words: an update takes any away.
func (c *clients) readDefaultSecurityGroup(
	ctx context.Context, id string, known provider.Values,
) (provider.Values, error) {
	group, err := c.describeSecurityGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	out, err := c.readSecurityGroup(ctx, id, known)
	if err != nil {
		return nil, err
	}
	out["ingress"], out["egress"] = protocols(group.IpPermissions), protocols(group.IpPermissionsEgress)
	return out, nil
}

// protocols are what the rules of one direction are about.
func protocols(permissions []types.IpPermission) []provider.Values {
	out := []provider.Values{}
	for _, permission := range permissions {
		out = append(out, provider.Values{"protocol": permission.IpProtocol})
	}
	return out
}

func (c *clients) updateDefaultSecurityGroup(ctx context.Context, change provider.Change) error {
	if change.Changed("ingress", "egress") {
		if err := c.revokeAllRules(ctx, change.ID); err != nil {
			return err
		}
	}
	return c.retagEC2(ctx, change)
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
