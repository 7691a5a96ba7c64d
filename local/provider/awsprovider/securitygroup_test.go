package awsprovider

import (
	"testing"

	"webstack/local/provider"
)

func TestSecurityGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	lifecycle{
		token:   "aws:ec2/securityGroup:SecurityGroup",
		inputs:  provider.Values{"vpcId": vpc.id, "description": "host", "tags": provider.Values{"Name": "host"}},
		unknown: []string{"arn", "ingress", "egress"},
		want:    provider.Values{"ingress": []any{}, "egress": []any{}},
		update:  provider.Values{"tags": provider.Values{"Name": "the host"}},
		replace: []provider.Values{{"description": "other"}, {"name": "other"}, {"vpcId": "vpc-other"}},
	}.run(t, e)
}

func TestSecurityGroupWithInlineRules(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	rule := func(port int, more provider.Values) provider.Values {
		return merged(provider.Values{"protocol": "tcp", "fromPort": port, "toPort": port}, more)
	}
	lifecycle{
		token: "aws:ec2/securityGroup:SecurityGroup",
		inputs: provider.Values{"vpcId": vpc.id, "ingress": []any{
			rule(443, provider.Values{"cidrBlocks": []string{"0.0.0.0/0"}, "description": "https"}),
			rule(443, provider.Values{"ipv6CidrBlocks": []string{"::/0"}, "description": "https"}),
			rule(22, provider.Values{"self": true}),
		}},
		update: provider.Values{
			"ingress": []any{rule(443, provider.Values{"cidrBlocks": []string{"10.0.0.0/8", "192.0.2.0/24"}})},
			"egress":  []any{provider.Values{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": []string{"0.0.0.0/0"}}},
		},
	}.run(t, e)
}

func TestDefaultSecurityGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	lifecycle{
		token:    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
		inputs:   provider.Values{"vpcId": vpc.id},
		unknown:  []string{"arn", "name"},
		want:     provider.Values{"name": "default", "ingress": []any{}, "egress": []any{}},
		update:   provider.Values{"tags": provider.Values{"Name": "closed"}},
		replace:  []provider.Values{{"vpcId": "vpc-other"}},
		survives: true,
	}.run(t, e)
}

func TestSecurityGroupIngressRule(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	group := e.create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": newVpc(e).id})
	lifecycle{
		token: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
		inputs: provider.Values{
			"securityGroupId": group.id, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0",
			"description": "https", "tags": provider.Values{"Name": "https"},
		},
		unknown: []string{"arn", "securityGroupRuleId"},
		update: provider.Values{
			"fromPort": 80, "toPort": 80, "cidrIpv4": "192.0.2.0/24", "description": "http",
			"tags": provider.Values{"Name": "http"},
		},
		replace: []provider.Values{
			{"cidrIpv4": nil, "cidrIpv6": "::/0"}, {"cidrIpv4": nil, "referencedSecurityGroupId": group.id},
			{"securityGroupId": "sg-other"},
		},
	}.run(t, e)
}

func TestSecurityGroupEgressRule(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	group := e.create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": newVpc(e).id})
	for name, source := range map[string]provider.Values{
		"everything over IPv6": {"ipProtocol": "-1", "cidrIpv6": "::/0"},
		"to a group": {
			"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "referencedSecurityGroupId": group.id,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lifecycle{
				token:   "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
				inputs:  merged(source, provider.Values{"securityGroupId": group.id}),
				update:  provider.Values{"tags": provider.Values{"Name": "out"}},
				replace: []provider.Values{{"securityGroupId": "sg-other"}},
			}.run(t, newEngine(t))
		})
	}
}
