package network

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/golden"
	"webstack/internal/pulumitest"
)

func args(edits ...func(*Args)) *Args {
	out := &Args{
		NamePrefix: "webstack-test", Region: pulumitest.Region, Cidr: "10.20.0.0/16",
		AvailabilityZones: []string{"us-east-1a", "us-east-1b"}, NatMode: NatNone,
	}
	for _, edit := range edits {
		edit(out)
	}
	return out
}

// program registers a network for each of the names.
func program(args *Args, names ...string) pulumi.RunFunc {
	return pulumitest.Component(New, args, []pulumitest.Provider{pulumitest.AWS}, names...)
}

var everything = func(a *Args) { a.NatMode, a.EnableIPv6 = NatGateway, true }

func TestNetwork(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]*Args{"plain": args(), "everything": args(everything)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := pulumitest.Options{Outputs: pulumitest.AWSOutputs}
			pulumitest.EachRun(t, program(args, "network"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
				recorder.CheckShape(t)
				golden.Compare(t, recorder.Dump(t), ".json")
			})
		})
	}
}

func TestEndpointsAreOnEveryRouteTable(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "network"), pulumitest.Options{Outputs: pulumitest.AWSOutputs})
	tables := []string{"rtb-main"}
	for _, table := range recorder.ByType("aws:ec2/routeTable:RouteTable") {
		tables = append(tables, table.Name+"-id")
	}
	recorder.Count(t, "aws:ec2/vpcEndpoint:VpcEndpoint", 2)
	for _, endpoint := range recorder.ByType("aws:ec2/vpcEndpoint:VpcEndpoint") {
		for _, table := range tables {
			if !slices.ContainsFunc(endpoint.Input("routeTableIds").ArrayValue(), is(table)) {
				t.Errorf("%s is not on %s", endpoint.Name, table)
			}
		}
	}
}

func TestTwoNetworksInOneProgram(t *testing.T) {
	t.Parallel()
	pulumitest.MustRun(t, program(args(everything), "one", "two"), pulumitest.Options{}).CheckShape(t)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit func(*Args)
		want []string
	}{
		"everything at once": {func(a *Args) { a.Cidr, a.NatMode, a.AvailabilityZones = "10.0.0.1/16", "cheap", nil },
			[]string{"from /16 to /25", `NAT mode "cheap": give none or gateway`, "give 2 different ones"}},
		"no network":     {func(a *Args) { a.Cidr = "ten" }, []string{`read network "ten"`}},
		"too small":      {func(a *Args) { a.Cidr = "10.0.0.0/26" }, []string{"10.0.0.0/26", "from /16 to /25"}},
		"too large":      {func(a *Args) { a.Cidr = "10.0.0.0/15" }, []string{"10.0.0.0/15", "from /16 to /25"}},
		"IPv6":           {func(a *Args) { a.Cidr = "fd00::/16" }, []string{"IPv4"}},
		"one zone twice": {func(a *Args) { a.AvailabilityZones = []string{"a", "a"} }, []string{"2 different ones"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pulumitest.CheckRefused(t, program(args(test.edit), "network"), pulumitest.Options{}, test.want...)
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(everything), "network"), pulumitest.Options{Outputs: pulumitest.AWSOutputs})
}

func TestCarve(t *testing.T) {
	t.Parallel()
	for cidr, want := range map[string]string{
		"10.20.0.0/16":   "10.20.0.0/19 10.20.32.0/19 10.20.64.0/19 10.20.96.0/19 10.20.128.0/19 10.20.160.0/19",
		"192.168.7.0/24": "192.168.7.0/27 192.168.7.32/27 192.168.7.64/27 192.168.7.96/27 192.168.7.128/27 192.168.7.160/27",
		"10.0.0.128/25":  "10.0.0.128/28 10.0.0.144/28 10.0.0.160/28 10.0.0.176/28 10.0.0.192/28 10.0.0.208/28",
	} {
		got, err := carve(netip.MustParsePrefix(cidr))
		if err != nil {
			t.Errorf("%s: %v", cidr, err)
			continue
		}
		var all []string
		for _, tier := range tiers {
			for _, subnet := range got[tier] {
				all = append(all, subnet.String())
			}
		}
		if strings.Join(all, " ") != want {
			t.Errorf("%s: %v, want %s", cidr, all, want)
		}
	}
}

// TestCarveAnyNetwork: the subnets of a network are inside it, smaller, and apart, wherever it is.
func TestCarveAnyNetwork(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for bits := range 33 {
		for range 500 {
			checkCarved(t, netip.PrefixFrom(fromUint32(random.Uint32()), bits).Masked())
		}
	}
}

func checkCarved(t *testing.T, vpc netip.Prefix) {
	t.Helper()
	cut, err := carve(vpc)
	if (err == nil) != (vpc.Bits() >= 16 && vpc.Bits() <= 25) {
		t.Fatalf("carve %s: %v", vpc, err)
	}
	var all []netip.Prefix
	for _, tier := range tiers {
		all = append(all, cut[tier]...)
	}
	for i, one := range all {
		if !vpc.Overlaps(one) || one.Bits() <= vpc.Bits() || one != one.Masked() {
			t.Errorf("%s is not a subnet of %s", one, vpc)
		}
		for _, other := range all[i+1:] {
			if one.Overlaps(other) {
				t.Errorf("%s and %s overlap", one, other)
			}
		}
	}
}

func is(text string) func(resource.PropertyValue) bool {
	return func(value resource.PropertyValue) bool { return value.IsString() && value.StringValue() == text }
}
