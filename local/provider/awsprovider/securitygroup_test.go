package awsprovider

import (
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

func TestSecurityGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	providertest.Lifecycle{
		Token:   "aws:ec2/securityGroup:SecurityGroup",
		Inputs:  provider.Values{"vpcId": vpc.ID, "description": "host", "tags": provider.Values{"Name": "host"}},
		Unknown: []string{"arn"},
		Update:  provider.Values{"tags": provider.Values{"Name": "the host"}},
		Replace: []provider.Values{{"description": "other"}, {"name": "other"}, {"vpcId": "vpc-other"}},
	}.Run(t, e)
}

func TestDefaultSecurityGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	providertest.Lifecycle{
		Token:    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
		Inputs:   provider.Values{"vpcId": vpc.ID, "ingress": []any{}, "egress": []any{}},
		Unknown:  []string{"arn", "name"},
		Want:     provider.Values{"name": "default", "ingress": []any{}, "egress": []any{}},
		Update:   provider.Values{"tags": provider.Values{"Name": "closed"}},
		Replace:  []provider.Values{{"vpcId": "vpc-other"}},
		Survives: true,
	}.Run(t, e)
}

func TestSecurityGroupIngressRule(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	group := e.Create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": newVpc(e).ID})
	providertest.Lifecycle{
		Token: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
		Inputs: provider.Values{
			"securityGroupId": group.ID, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0",
			"description": "https", "tags": provider.Values{"Name": "https"},
		},
		Unknown: []string{"arn", "securityGroupRuleId"},
		Update: provider.Values{
			"fromPort": 80, "toPort": 80, "cidrIpv4": "192.0.2.0/24", "description": "http",
			"tags": provider.Values{"Name": "http"},
		},
		Replace: []provider.Values{
			{"cidrIpv4": nil, "cidrIpv6": "::/0"}, {"cidrIpv4": nil, "referencedSecurityGroupId": group.ID},
			{"securityGroupId": "sg-other"},
		},
	}.Run(t, e)
}

func TestSecurityGroupEgressRule(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	group := e.Create("aws:ec2/securityGroup:SecurityGroup", provider.Values{"vpcId": newVpc(e).ID})
	for name, source := range map[string]provider.Values{
		"everything over IPv6": {"ipProtocol": "-1", "cidrIpv6": "::/0"},
		"to a group": {
			"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "referencedSecurityGroupId": group.ID,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.Lifecycle{
				Token:   "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
				Inputs:  providertest.Merged(source, provider.Values{"securityGroupId": group.ID}),
				Update:  provider.Values{"tags": provider.Values{"Name": "out"}},
				Replace: []provider.Values{{"securityGroupId": "sg-other"}},
			}.Run(t, newEngine(t))
		})
	}
}
