package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/internal/operate"
)

var hostChecks = []check{
	{phase: 2, name: "host.running", looked: "the instance with the stack's tag", run: checkRunning},
	{phase: 2, name: "host.subnet", looked: "the subnet of the instance", run: checkSubnet},
	{phase: 2, name: "host.ports", looked: "the inbound rules of its security groups", run: checkPorts},
	{phase: 2, name: "host.address", looked: "its public address", run: checkAddress},
	{phase: 2, name: "host.metadata", looked: "its metadata options", run: checkMetadata},
}

func checkRunning(ctx context.Context, w *world) ([]finding, error) {
	host, err := w.host(ctx)
	if err != nil {
		return nil, err
	}
	kind := string(host.Instance.InstanceType)
	switch {
	case host.State != "running":
		return []finding{failed("", fmt.Sprintf("aws ec2 start-instances --region %s --instance-ids %s", w.region,
			host.InstanceID), "%s is %s", host.InstanceID, host.State)}, nil
	case kind != w.config.InstanceType:
		return []finding{failed("", w.again(), "%s is a %s, but the config says %s", host.InstanceID, kind,
			w.config.InstanceType)}, nil
	}
	return []finding{passed("", "%s is running, a %s", host.InstanceID, kind)}, nil
}

func checkSubnet(ctx context.Context, w *world) ([]finding, error) {
	host, err := w.host(ctx)
	if err != nil {
		return nil, err
	}
	subnets, err := w.subnets(ctx)
	if err != nil {
		return nil, err
	}
	id := aws.ToString(host.Instance.SubnetId)
	for _, subnet := range inTier(subnets, public) {
		if aws.ToString(subnet.SubnetId) == id {
			return []finding{passed("", "%s, a public subnet in %s", id, aws.ToString(subnet.AvailabilityZone))}, nil
		}
	}
	return []finding{failed("", w.again(), "%s is not a public subnet of the stack", id)}, nil
}

// wantedPorts are all allowed inbound connections, as protocol, port and network.
func (w *world) wantedPorts() []string {
	var out []string
	for _, port := range []string{"tcp 80", "tcp 443", "udp 443"} {
		out = append(out, port+" from "+anywhere)
		if w.config.EnableIpv6 {
			out = append(out, port+" from "+anywhereIPv6)
		}
	}
	if w.config.SSHAllowedCidr != "" {
		out = append(out, "tcp 22 from "+w.config.SSHAllowedCidr)
	}
	slices.Sort(out)
	return out
}

func checkPorts(ctx context.Context, w *world) ([]finding, error) {
	host, err := w.host(ctx)
	if err != nil {
		return nil, err
	}
	var groups []string
	for _, group := range host.Instance.SecurityGroups {
		groups = append(groups, aws.ToString(group.GroupId))
	}
	if len(groups) == 0 {
		return []finding{failed("", w.again(), "%s is in no security group", host.InstanceID)}, nil
	}
	var open []string
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(w.ec2, &ec2.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{filter("group-id", groups...)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, operate.Explain("read the security group's rules", err)
		}
		for _, rule := range page.SecurityGroupRules {
			if !aws.ToBool(rule.IsEgress) {
				open = append(open, ruleText(rule))
			}
		}
	}
	slices.Sort(open)
	wanted := w.wantedPorts()
	missing, extra := without(wanted, open), without(open, wanted)
	switch {
	case len(missing) > 0:
		return []finding{failed("", w.again(), "closed: %s", strings.Join(missing, ", "))}, nil
	case len(extra) > 0:
		return []finding{failed("", "remove the rule, or "+w.again(), "open, but not in the config: %s",
			strings.Join(extra, ", "))}, nil
	}
	return []finding{passed("", "%s", strings.Join(open, ", "))}, nil
}

func ruleText(rule types.SecurityGroupRule) string {
	from := aws.ToString(rule.CidrIpv4) + aws.ToString(rule.CidrIpv6) + aws.ToString(rule.PrefixListId)
	if rule.ReferencedGroupInfo != nil {
		from += aws.ToString(rule.ReferencedGroupInfo.GroupId)
	}
	ports := fmt.Sprint(aws.ToInt32(rule.FromPort))
	if to := aws.ToInt32(rule.ToPort); to != aws.ToInt32(rule.FromPort) {
		ports += fmt.Sprintf("-%d", to)
	}
	return fmt.Sprintf("%s %s from %s", aws.ToString(rule.IpProtocol), ports, from)
}

// without returns the elements of list that are not in other.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

func checkAddress(ctx context.Context, w *world) ([]finding, error) {
	host, err := w.host(ctx)
	if err != nil {
		return nil, err
	}
	if host.PublicIP == "" {
		return []finding{failed("", w.again(), "%s has no public address", host.InstanceID)}, nil
	}
	if !w.config.UseEip {
		return []finding{passed("", "%s (it changes when the host is stopped; webstack:useEip keeps it)", host.PublicIP)}, nil
	}
	answer, err := w.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{
		Filters: []types.Filter{filter("instance-id", host.InstanceID)},
	})
	if err != nil {
		return nil, operate.Explain("look for the Elastic IP", err)
	}
	for _, address := range answer.Addresses {
		if aws.ToString(address.PublicIp) == host.PublicIP {
			return []finding{passed("", "%s, an Elastic IP", host.PublicIP)}, nil
		}
	}
	return []finding{failed("", w.again(), "%s is not an Elastic IP, but the config sets useEip", host.PublicIP)}, nil
}

func checkMetadata(ctx context.Context, w *world) ([]finding, error) {
	host, err := w.host(ctx)
	if err != nil {
		return nil, err
	}
	options := host.Instance.MetadataOptions
	if options == nil {
		options = &types.InstanceMetadataOptionsResponse{}
	}
	hops := aws.ToInt32(options.HttpPutResponseHopLimit)
	switch {
	case options.HttpTokens != types.HttpTokensStateRequired:
		return []finding{failed("", w.again(), "tokens are %q: IMDSv1 is enabled", options.HttpTokens)}, nil
	case hops != 1:
		return []finding{failed("", w.again(), "the hop limit is %d: containers can get the host's credentials", hops)}, nil
	}
	return []finding{passed("", "IMDSv2 only, hop limit 1")}, nil
}
