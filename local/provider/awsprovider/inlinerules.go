package awsprovider

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// inlineRules describes the properties ingress and egress of a security group. If they are omitted, rules are left
// alone; an empty list removes all rules.
var inlineRules = provider.Prop{
	Computed: true, Set: true,
	Equal: func(a, b any) bool {
		left, right := provider.Values{"rules": a}, provider.Values{"rules": b}
		return maps.Equal(singleRules(left.Objects("rules")), singleRules(right.Objects("rules")))
	},
	Fields: map[string]provider.Prop{
		"fromPort": {Required: true}, "toPort": {Required: true}, "protocol": {Required: true},
		"cidrBlocks":     {Set: true, Check: checkEach(checkCIDR4)},
		"ipv6CidrBlocks": {Set: true, Check: checkEach(checkCIDR6)},
		"prefixListIds":  {Set: true}, "securityGroups": {Set: true}, "self": {},
		"description": {Check: checkPattern(`[A-Za-z0-9 _.:/()#,@\[\]+=&;{}!$*-]{0,255}`,
			"up to 255 letters, digits, spaces and _.:/()#,@[]+=&;{}!$*-")},
	},
}

// ownGroup stands for the group itself as the source of a rule.
const ownGroup = "self"

// singleRule is a rule with one source (or destination), as AWS keeps them.
type singleRule struct {
	protocol    string
	from, to    int32
	kind        string // the property that has the source
	source      string
	description string
}

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

// singleRules splits rules of the program into rules with one source each.
func singleRules(rules []provider.Values) map[singleRule]bool {
	out := map[singleRule]bool{}
	for _, rule := range rules {
		single := singleRule{
			protocol: protocolName(rule.Str("protocol")), from: rule.Int32("fromPort"), to: rule.Int32("toPort"),
			description: rule.Str("description"),
		}
		for _, kind := range []string{"cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups"} {
			for _, source := range rule.Strs(kind) {
				single.kind, single.source = kind, source
				out[single] = true
			}
		}
		if rule.Bool("self") {
			single.kind, single.source = "securityGroups", ownGroup
			out[single] = true
		}
	}
	return out
}

// permissionRules splits what AWS says about a group into rules with one source each.
func permissionRules(group string, permissions []types.IpPermission) map[singleRule]bool {
	out := map[singleRule]bool{}
	for _, permission := range permissions {
		add := func(kind string, source, description *string) {
			rule := singleRule{
				protocol: protocolName(aws.ToString(permission.IpProtocol)), kind: kind, source: aws.ToString(source),
				description: aws.ToString(description),
			}
			if rule.protocol != "-1" {
				rule.from, rule.to = aws.ToInt32(permission.FromPort), aws.ToInt32(permission.ToPort)
			}
			if rule.source == group {
				rule.source = ownGroup
			}
			out[rule] = true
		}
		for _, r := range permission.IpRanges {
			add("cidrBlocks", r.CidrIp, r.Description)
		}
		for _, r := range permission.Ipv6Ranges {
			add("ipv6CidrBlocks", r.CidrIpv6, r.Description)
		}
		for _, r := range permission.PrefixListIds {
			add("prefixListIds", r.PrefixListId, r.Description)
		}
		for _, r := range permission.UserIdGroupPairs {
			add("securityGroups", r.GroupId, r.Description)
		}
	}
	return out
}

// permission returns the rule as the calls of EC2 take it.
func (r singleRule) permission(group string) types.IpPermission {
	out := types.IpPermission{IpProtocol: &r.protocol, FromPort: &r.from, ToPort: &r.to}
	var description *string
	if r.description != "" {
		description = &r.description
	}
	switch r.kind {
	case "cidrBlocks":
		out.IpRanges = []types.IpRange{{CidrIp: &r.source, Description: description}}
	case "ipv6CidrBlocks":
		out.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: &r.source, Description: description}}
	case "prefixListIds":
		out.PrefixListIds = []types.PrefixListId{{PrefixListId: &r.source, Description: description}}
	default:
		if r.source == ownGroup {
			r.source = group
		}
		out.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: &r.source, Description: description}}
	}
	return out
}

// toInlineRules turns what AWS says about a group into the property's form: one object for each protocol, port range
// and description.
func toInlineRules(group string, permissions []types.IpPermission) []provider.Values {
	rules := slices.SortedFunc(maps.Keys(permissionRules(group, permissions)), func(a, b singleRule) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to),
			cmp.Compare(a.description, b.description), cmp.Compare(a.kind, b.kind), cmp.Compare(a.source, b.source))
	})
	out := []provider.Values{}
	var last singleRule
	for _, rule := range rules {
		head := singleRule{protocol: rule.protocol, from: rule.from, to: rule.to, description: rule.description}
		if len(out) == 0 || head != last {
			last = head
			object := provider.Values{"protocol": head.protocol, "fromPort": head.from, "toPort": head.to}
			if head.description != "" {
				object["description"] = head.description
			}
			out = append(out, object)
		}
		object := out[len(out)-1]
		if rule.source == ownGroup {
			object["self"] = true
			continue
		}
		sources, _ := object[rule.kind].([]string)
		object[rule.kind] = append(sources, rule.source)
	}
	return out
}

// authorizeInlineRules adds the rules of a new group.
func (c *clients) authorizeInlineRules(ctx context.Context, group string, in provider.Values) error {
	for _, direction := range []string{"ingress", "egress"} {
		if err := c.changeRules(ctx, group, direction, nil, singleRules(in.Objects(direction))); err != nil {
			return err
		}
	}
	return nil
}

// updateInlineRules updates the rules that the program lists; others stay.
func (c *clients) updateInlineRules(ctx context.Context, change provider.Change) error {
	for _, direction := range []string{"ingress", "egress"} {
		if !change.Changed(direction) || !change.New.Has(direction) {
			continue
		}
		old, news := singleRules(change.Old.Objects(direction)), singleRules(change.New.Objects(direction))
		if err := c.changeRules(ctx, change.ID, direction, old, news); err != nil {
			return err
		}
	}
	return nil
}

// changeRules first revokes the rules that are no longer wanted and then authorizes the new ones.
func (c *clients) changeRules(ctx context.Context, group, direction string, old, news map[singleRule]bool) error {
	var revoked, added []types.IpPermission
	for rule := range old {
		if !news[rule] {
			revoked = append(revoked, rule.permission(group))
		}
	}
	for rule := range news {
		if !old[rule] {
			added = append(added, rule.permission(group))
		}
	}
	if err := c.revokeRules(ctx, group, direction, revoked); err != nil || len(added) == 0 {
		return err
	}
	var err error
	if direction == "ingress" {
		_, err = c.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
			GroupId: &group, IpPermissions: added,
		})
	} else {
		_, err = c.ec2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{
			GroupId: &group, IpPermissions: added,
		})
	}
	return err
}

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
