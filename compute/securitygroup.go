package compute

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	anywhere4 = "0.0.0.0/0"
	anywhere6 = "::/0"
)

// opening is one port that is open to the world or to one network.
type opening struct {
	name, protocol string
	port           int
	cidr           string
}

// openings are all open ports. UDP is for HTTP/3.
func (a *Args) openings() []opening {
	var out []opening
	for _, web := range []opening{{"http", "tcp", 80, ""}, {"https", "tcp", 443, ""}, {"http3", "udp", 443, ""}} {
		out = append(out, opening{web.name, web.protocol, web.port, anywhere4})
		if a.EnableIPv6 {
			out = append(out, opening{web.name + "-ipv6", web.protocol, web.port, anywhere6})
		}
	}
	if a.SSHAllowedCidr != "" {
		out = append(out, opening{"ssh", "tcp", 22, a.SSHAllowedCidr})
	}
	return out
}

func (b *builder) makeSecurityGroup() error {
	group, err := ec2.NewSecurityGroup(b.ctx, b.name, &ec2.SecurityGroupArgs{
		Description: pulumi.String("The web from anywhere, everything outwards"),
		VpcId:       b.args.VpcID,
		Tags:        b.tags("host", false),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the security group: %w", err)
	}
	b.out.SecurityGroupID = group.ID()
	for _, open := range b.args.openings() {
		args := &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId: group.ID(),
			Description:     pulumi.String(open.name),
			IpProtocol:      pulumi.String(open.protocol),
			FromPort:        pulumi.Int(open.port),
			ToPort:          pulumi.Int(open.port),
		}
		if isIPv6(open.cidr) {
			args.CidrIpv6 = pulumi.String(open.cidr)
		} else {
			args.CidrIpv4 = pulumi.String(open.cidr)
		}
		if _, err := vpc.NewSecurityGroupIngressRule(b.ctx, b.name+"-"+open.name, args, b.parent); err != nil {
			return fmt.Errorf("register the rule for %s: %w", open.name, err)
		}
	}
	return b.makeEgress(group)
}

// makeEgress allows all outbound traffic: packages, images, certificates and AWS services are on the internet.
func (b *builder) makeEgress(group *ec2.SecurityGroup) error {
	_, err := vpc.NewSecurityGroupEgressRule(b.ctx, b.name+"-out", &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId: group.ID(),
		IpProtocol:      pulumi.String("-1"),
		CidrIpv4:        pulumi.String(anywhere4),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the rule for outbound traffic: %w", err)
	}
	if !b.args.EnableIPv6 {
		return nil
	}
	_, err = vpc.NewSecurityGroupEgressRule(b.ctx, b.name+"-out-ipv6", &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId: group.ID(),
		IpProtocol:      pulumi.String("-1"),
		CidrIpv6:        pulumi.String(anywhere6),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the rule for outbound IPv6 traffic: %w", err)
	}
	return nil
}

func isIPv6(cidr string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	return err == nil && prefix.Addr().Is6()
}
