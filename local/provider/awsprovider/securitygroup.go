package awsprovider

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// groupGone are the codes of a security group that does not exist.
var groupGone = []string{"InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidGroupId.Malformed"}

func (c *clients) securityGroup() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"name":        {Computed: true, Replace: true, Check: checkGroupName},
			"description": {Default: "Managed by Pulumi", Replace: true, Check: checkLength(255)},
			"vpcId":       {Computed: true, Replace: true},
			"arn":         {Output: true},
			"ownerId":     {Output: true},
		}),
		Create: c.createSecurityGroup,
		Read:   c.readSecurityGroup,
		Update: c.retagEC2,
		Delete: c.deleteSecurityGroup,
	}
}

func checkGroupName(value any) string {
	if text, _ := value.(string); strings.HasPrefix(text, "sg-") {
		return "must not start with sg-"
	}
	return checkLength(255)(value)
}

// createSecurityGroup removes the rule that AWS adds to every new group, which allows all outbound traffic: the program
// says what may leave.
func (c *clients) createSecurityGroup(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: optional(in, "name"), Description: aws.String(in.Str("description")), VpcId: optional(in, "vpcId"),
		TagSpecifications: ec2TagSpec(types.ResourceTypeSecurityGroup, in),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.GroupId)
	return id, c.revokeAllRules(ctx, id)
}

func (c *clients) describeSecurityGroup(ctx context.Context, id string) (types.SecurityGroup, error) {
	out, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	if err != nil {
		return types.SecurityGroup{}, gone(err, groupGone...)
	}
	return first(out.SecurityGroups)
}

func (c *clients) readSecurityGroup(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	group, err := c.describeSecurityGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	return provider.Values{
		"name": group.GroupName, "description": group.Description, "vpcId": group.VpcId,
		"arn": c.arn("ec2", "security-group/"+id), "ownerId": c.account, "tags": fromEC2Tags(group.Tags),
	}, nil
}

func (c *clients) deleteSecurityGroup(ctx context.Context, id string, _ provider.Values) error {
	return deleted(ctx, id, func() error {
		_, err := c.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &id})
		return err
	}, c.describeSecurityGroup, groupGone...)
}

// revokeRules takes rules of one direction from a group.
func (c *clients) revokeRules(ctx context.Context, group, direction string, revoked []types.IpPermission) error {
	if len(revoked) == 0 {
		return nil
	}
	var err error
	if direction == "ingress" {
		_, err = c.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
			GroupId: &group, IpPermissions: revoked,
		})
	} else {
		_, err = c.ec2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{
			GroupId: &group, IpPermissions: revoked,
		})
	}
	return unlessGone(err, "InvalidPermission.NotFound")
}

// revokeAllRules leaves the group without any rule.
func (c *clients) revokeAllRules(ctx context.Context, id string) error {
	group, err := c.describeSecurityGroup(ctx, id)
	if err != nil {
		return err
	}
	if err := c.revokeRules(ctx, id, "ingress", group.IpPermissions); err != nil {
		return err
	}
	return c.revokeRules(ctx, id, "egress", group.IpPermissionsEgress)
}
