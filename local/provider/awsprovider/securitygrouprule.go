package awsprovider

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// ruleSources are the properties for the source of a rule.
var ruleSources = []string{"cidrIpv4", "cidrIpv6", "referencedSecurityGroupId"}

// protocolNames are the protocols that have a name besides their number.
var protocolNames = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}

// protocolName brings a protocol into the form that AWS answers with.
func protocolName(protocol string) string {
	protocol = strings.ToLower(protocol)
	if name, ok := protocolNames[protocol]; ok {
		return name
	}
	return protocol
}

// ruleGone are the codes of a rule that does not exist, or whose group does not.
var ruleGone = append([]string{"InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound"}, groupGone...)

// securityGroupRule describes rules that are resources of their own, for one of the two directions.
func (c *clients) securityGroupRule(egress bool) provider.Type {
	checkPort := checkRange(-1, 65535)
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"securityGroupId":           {Required: true, Replace: true},
			"ipProtocol":                {Required: true, Equal: sameProtocol},
			"fromPort":                  {Check: checkPort},
			"toPort":                    {Check: checkPort},
			"cidrIpv4":                  {Check: checkCIDR4},
			"cidrIpv6":                  {Check: checkCIDR6, Equal: sameCIDR},
			"referencedSecurityGroupId": {},
			"description":               {},
			"securityGroupRuleId":       {Output: true},
			"arn":                       {Output: true},
		}),
		ExactlyOneOf: [][]string{ruleSources},
		Replaces:     replacedSources,
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			return c.createRule(ctx, egress, in)
		},
		Read: func(ctx context.Context, id string, known provider.Values) (provider.Values, error) {
			return c.readRule(ctx, egress, id, known)
		},
		Update: c.updateRule,
		Delete: func(ctx context.Context, id string, state provider.Values) error {
			return c.deleteRule(ctx, egress, id, state)
		},
	}
}

func sameProtocol(a, b any) bool {
	left, _ := a.(string)
	right, _ := b.(string)
	return protocolName(left) == protocolName(right)
}

// replacedSources names the sources that change in kind: a rule about addresses cannot become one about a group.
func replacedSources(_ context.Context, old, news provider.Values) []string {
	var out []string
	for _, key := range ruleSources {
		if (old[key] == nil) != (news[key] == nil) {
			out = append(out, key)
		}
	}
	return out
}

func (c *clients) createRule(ctx context.Context, egress bool, in provider.Values) (string, error) {
	permission := types.IpPermission{
		IpProtocol: optional(in, "ipProtocol"), FromPort: optionalInt(in, "fromPort"), ToPort: optionalInt(in, "toPort"),
	}
	description := optional(in, "description")
	switch {
	case in.Has("cidrIpv4"):
		permission.IpRanges = []types.IpRange{{CidrIp: optional(in, "cidrIpv4"), Description: description}}
	case in.Has("cidrIpv6"):
		permission.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: optional(in, "cidrIpv6"), Description: description}}
	default:
		permission.UserIdGroupPairs = []types.UserIdGroupPair{
			{GroupId: optional(in, "referencedSecurityGroupId"), Description: description}}
	}
	rules, err := c.authorizeRule(ctx, egress, optional(in, "securityGroupId"), permission,
		ec2TagSpec(types.ResourceTypeSecurityGroupRule, in))
	if err != nil {
		return "", err
	}
	rule, err := first(rules)
	return aws.ToString(rule.SecurityGroupRuleId), err
}

func (c *clients) authorizeRule(
	ctx context.Context, egress bool, group *string, permission types.IpPermission, tags []types.TagSpecification,
) ([]types.SecurityGroupRule, error) {
	permissions := []types.IpPermission{permission}
	if egress {
		out, err := c.ec2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{
			GroupId: group, IpPermissions: permissions, TagSpecifications: tags,
		})
		if err != nil {
			return nil, err
		}
		return out.SecurityGroupRules, nil
	}
	out, err := c.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: group, IpPermissions: permissions, TagSpecifications: tags,
	})
	if err != nil {
		return nil, err
	}
	return out.SecurityGroupRules, nil
}

// readRule treats a rule of the other direction as gone.
func (c *clients) readRule(
	ctx context.Context, egress bool, id string, known provider.Values,
) (provider.Values, error) {
	found, err := c.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{
		SecurityGroupRuleIds: []string{id},
	})
	if err != nil {
		return nil, gone(err, ruleGone...)
	}
	rule, err := first(found.SecurityGroupRules)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(rule.IsEgress) != egress {
		return nil, provider.ErrGone
	}
	out := provider.Values{
		"securityGroupId": rule.GroupId, "ipProtocol": rule.IpProtocol, "cidrIpv4": rule.CidrIpv4,
		"cidrIpv6": rule.CidrIpv6, "securityGroupRuleId": id,
		"arn": c.arn("ec2", "security-group-rule/"+id), "tags": fromEC2Tags(rule.Tags),
	}
	if rule.ReferencedGroupInfo != nil {
		out["referencedSecurityGroupId"] = rule.ReferencedGroupInfo.GroupId
	}
	if aws.ToString(rule.Description) != "" {
		out["description"] = rule.Description
	}
	for key, port := range map[string]*int32{"fromPort": rule.FromPort, "toPort": rule.ToPort} {
		// A rule for all protocols has no ports; AWS says -1 then.
		if aws.ToString(rule.IpProtocol) != "-1" || known[key] != nil {
			out[key] = port
		}
	}
	return out, nil
}

func (c *clients) updateRule(ctx context.Context, change provider.Change) error {
	if change.Changed(append([]string{"ipProtocol", "fromPort", "toPort", "description"}, ruleSources...)...) {
		in := change.New
		request := &types.SecurityGroupRuleRequest{
			IpProtocol: optional(in, "ipProtocol"), FromPort: optionalInt(in, "fromPort"), ToPort: optionalInt(in, "toPort"),
			CidrIpv4: optional(in, "cidrIpv4"), CidrIpv6: optional(in, "cidrIpv6"),
			ReferencedGroupId: optional(in, "referencedSecurityGroupId"),
			Description:       aws.String(in.Str("description")),
		}
		if protocolName(in.Str("ipProtocol")) == "-1" {
			request.FromPort, request.ToPort = aws.Int32(-1), aws.Int32(-1)
		}
		_, err := c.ec2.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
			GroupId: optional(in, "securityGroupId"),
			SecurityGroupRules: []types.SecurityGroupRuleUpdate{
				{SecurityGroupRuleId: &change.ID, SecurityGroupRule: request},
			},
		})
		if err != nil {
			return err
		}
	}
	return c.retagEC2(ctx, change)
}

func (c *clients) deleteRule(ctx context.Context, egress bool, id string, state provider.Values) error {
	group, ids := optional(state, "securityGroupId"), []string{id}
	var err error
	if egress {
		_, err = c.ec2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{
			GroupId: group, SecurityGroupRuleIds: ids,
		})
	} else {
		_, err = c.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
			GroupId: group, SecurityGroupRuleIds: ids,
		})
	}
	return unlessGone(err, ruleGone...)
}
