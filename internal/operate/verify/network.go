package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/config"
	"webstack/internal/operate"
)

// The network that the program creates.
const (
	tierTag      = "Tier"
	public       = "public"
	privateApp   = "private-app"
	privateDb    = "private-db"
	perTier      = 2
	anywhere     = "0.0.0.0/0"
	anywhereIPv6 = "::/0"
)

var tiers = []string{public, privateApp, privateDb}

var networkChecks = []check{
	{phase: 1, name: "network.vpc", looked: "the VPC with the stack's tags", run: checkVpc},
	{phase: 1, name: "network.subnets", looked: "the subnets with tag Tier", run: checkSubnets},
	{phase: 1, name: "network.routes", looked: "the routes of the tier's subnets", run: checkRoutes},
	{phase: 1, name: "network.endpoints", looked: "the gateway endpoints and their route tables", run: checkEndpoints},
}

// again is the fix for something in the account that differs from what the program creates.
func (w *world) again() string {
	return "pulumi up --refresh --stack " + w.stack
}

// owned returns the filters for the tags that the program puts on everything.
func (w *world) owned() []types.Filter {
	return []types.Filter{filter("tag:Project", w.project), filter("tag:Stack", w.stack)}
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

func tag(tags []types.Tag, name string) string {
	for _, t := range tags {
		if aws.ToString(t.Key) == name {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

func (w *world) findVpc(ctx context.Context) (types.Vpc, error) {
	answer, err := w.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: w.owned()})
	switch {
	case err != nil:
		return types.Vpc{}, operate.Explain("look for the VPC", err)
	case len(answer.Vpcs) != 1:
		return types.Vpc{}, fmt.Errorf("there are %d VPCs with the tags Project=%s and Stack=%s, not 1", len(answer.Vpcs),
			w.project, w.stack)
	}
	return answer.Vpcs[0], nil
}

func checkVpc(ctx context.Context, w *world) ([]finding, error) {
	vpc, err := w.vpc(ctx)
	if err != nil {
		return nil, err
	}
	id, cidr := aws.ToString(vpc.VpcId), aws.ToString(vpc.CidrBlock)
	if cidr != w.config.VpcCidr {
		return []finding{failed("", w.again(), "%s has %s, but the config says %s", id, cidr, w.config.VpcCidr)}, nil
	}
	return []finding{passed("", "%s, %s", id, cidr)}, nil
}

func (w *world) findSubnets(ctx context.Context) ([]types.Subnet, error) {
	vpc, err := w.vpc(ctx)
	if err != nil {
		return nil, err
	}
	var all []types.Subnet
	pages := ec2.NewDescribeSubnetsPaginator(w.ec2, &ec2.DescribeSubnetsInput{
		Filters: []types.Filter{filter("vpc-id", aws.ToString(vpc.VpcId))},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, operate.Explain("look for subnets", err)
		}
		all = append(all, page.Subnets...)
	}
	return all, nil
}

func inTier(subnets []types.Subnet, tier string) []types.Subnet {
	var out []types.Subnet
	for _, subnet := range subnets {
		if tag(subnet.Tags, tierTag) == tier {
			out = append(out, subnet)
		}
	}
	return out
}

func checkSubnets(ctx context.Context, w *world) ([]finding, error) {
	subnets, err := w.subnets(ctx)
	if err != nil {
		return nil, err
	}
	var out []finding
	for _, tier := range tiers {
		var zones, words []string
		for _, subnet := range inTier(subnets, tier) {
			zone := aws.ToString(subnet.AvailabilityZone)
			if !slices.Contains(zones, zone) {
				zones = append(zones, zone)
			}
			words = append(words, fmt.Sprintf("%s in %s", aws.ToString(subnet.CidrBlock), zone))
		}
		slices.Sort(words)
		found := strings.Join(words, ", ")
		if len(words) != perTier || len(zones) != perTier {
			out = append(out, failed(tier, w.again(), "%d subnets in %d zones, not %d in %d: %s", len(words), len(zones),
				perTier, perTier, found))
			continue
		}
		out = append(out, passed(tier, "%s", found))
	}
	return out, nil
}

// routeTables are the route tables of the VPC, and which of them each subnet uses.
type routeTables struct {
	all      []types.RouteTable
	main     string
	bySubnet map[string]string
}

func (w *world) findTables(ctx context.Context) (routeTables, error) {
	vpc, err := w.vpc(ctx)
	if err != nil {
		return routeTables{}, err
	}
	out := routeTables{bySubnet: map[string]string{}}
	pages := ec2.NewDescribeRouteTablesPaginator(w.ec2, &ec2.DescribeRouteTablesInput{
		Filters: []types.Filter{filter("vpc-id", aws.ToString(vpc.VpcId))},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return routeTables{}, operate.Explain("look for route tables", err)
		}
		out.all = append(out.all, page.RouteTables...)
	}
	for _, table := range out.all {
		for _, association := range table.Associations {
			if aws.ToBool(association.Main) {
				out.main = aws.ToString(table.RouteTableId)
			}
			out.bySubnet[aws.ToString(association.SubnetId)] = aws.ToString(table.RouteTableId)
		}
	}
	return out, nil
}

// of returns the table that a subnet uses: its own, or the main one.
func (r routeTables) of(subnet types.Subnet) types.RouteTable {
	id, own := r.bySubnet[aws.ToString(subnet.SubnetId)]
	if !own {
		id = r.main
	}
	for _, table := range r.all {
		if aws.ToString(table.RouteTableId) == id {
			return table
		}
	}
	return types.RouteTable{}
}

// wayOut says where a table sends traffic for the internet: an internet gateway, a NAT gateway, none or something else.
func wayOut(table types.RouteTable) string {
	for _, route := range table.Routes {
		if aws.ToString(route.DestinationCidrBlock) != anywhere || route.State == types.RouteStateBlackhole {
			continue
		}
		switch {
		case strings.HasPrefix(aws.ToString(route.GatewayId), "igw-"):
			return "internet gateway"
		case aws.ToString(route.NatGatewayId) != "":
			return "NAT gateway"
		}
		return "something else"
	}
	return "none"
}

func checkRoutes(ctx context.Context, w *world) ([]finding, error) {
	subnets, err := w.subnets(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := w.tables(ctx)
	if err != nil {
		return nil, err
	}
	want := map[string]string{public: "internet gateway", privateApp: "none", privateDb: "none"}
	if w.config.NatMode == config.NatGateway {
		want[privateApp] = "NAT gateway"
	}
	var out []finding
	for _, tier := range tiers {
		bad := ""
		for _, subnet := range inTier(subnets, tier) {
			if way := wayOut(tables.of(subnet)); way != want[tier] {
				bad = fmt.Sprintf("%s has the way out: %s, not: %s", aws.ToString(subnet.SubnetId), way, want[tier])
			}
		}
		if bad != "" {
			out = append(out, failed(tier, w.again(), "%s", bad))
			continue
		}
		out = append(out, passed(tier, "way out: %s", want[tier]))
	}
	return out, nil
}

func checkEndpoints(ctx context.Context, w *world) ([]finding, error) {
	subnets, err := w.subnets(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := w.tables(ctx)
	if err != nil {
		return nil, err
	}
	vpc, err := w.vpc(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := w.ec2.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{
		Filters: []types.Filter{filter("vpc-id", aws.ToString(vpc.VpcId))},
	})
	if err != nil {
		return nil, operate.Explain("look for endpoints", err)
	}
	var out []finding
	for _, service := range []string{"s3", "dynamodb"} {
		out = append(out, w.endpoint("com.amazonaws."+w.region+"."+service, answer.VpcEndpoints, subnets, tables))
	}
	return out, nil
}

func (w *world) endpoint(
	service string, endpoints []types.VpcEndpoint, subnets []types.Subnet, tables routeTables,
) finding {
	at := slices.IndexFunc(endpoints, func(e types.VpcEndpoint) bool {
		return aws.ToString(e.ServiceName) == service && e.VpcEndpointType == types.VpcEndpointTypeGateway
	})
	if at < 0 {
		return failed(service, w.again(), "there is no gateway endpoint")
	}
	endpoint := endpoints[at]
	if state := string(endpoint.State); !strings.EqualFold(state, "available") {
		return failed(service, w.again(), "%s is %s", aws.ToString(endpoint.VpcEndpointId), state)
	}
	for _, subnet := range subnets {
		id := aws.ToString(tables.of(subnet).RouteTableId)
		if tier := tag(subnet.Tags, tierTag); tier != "" && !slices.Contains(endpoint.RouteTableIds, id) {
			return failed(service, w.again(), "%s is not in route table %s of the %s subnets",
				aws.ToString(endpoint.VpcEndpointId), id, tier)
		}
	}
	return passed(service, "%s, in the route tables of all subnets", aws.ToString(endpoint.VpcEndpointId))
}
