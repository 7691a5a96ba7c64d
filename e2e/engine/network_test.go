package engine

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/e2e/lab"
)

// TestNetworkIsChanged makes changes that AWS rejects in the wrong order, with everything in the network that can be
// there.
func TestNetworkIsChanged(t *testing.T) {
	t.Parallel()
	clone := lab.NewClone(t)
	set := func(settings string) func(*testing.T, *lab.Clone) {
		return func(_ *testing.T, clone *lab.Clone) {
			clone.Edit("Pulumi.local.yaml", func(text string) string {
				before, rest, _ := strings.Cut(text, "  webstack:acme:")
				_, after, _ := strings.Cut(rest, "\n  webstack:apps:")
				return before + "  webstack:acme: internal\n" + settings + "\n  webstack:apps:" + after
			})
		}
	}
	const (
		all  = "  webstack:natMode: gateway\n  webstack:enableExternalPostgres: true\n"
		eip  = "  webstack:useEip: true\n"
		ipv6 = "  webstack:enableIpv6: true\n"
		cidr = "  webstack:vpcCidr: 10.77.0.0/16\n"
	)
	var host types.Instance
	for _, step := range []struct {
		name, settings string
		check          func(*testing.T, types.Instance)
	}{
		{"everything is on", all + ipv6, func(t *testing.T, now types.Instance) {
			if aws.ToString(now.Ipv6Address) == "" && len(ipv6Of(now)) == 0 {
				t.Error("the host has no IPv6 address")
			}
		}},
		{"an Elastic IP comes to the running host", all + ipv6 + eip, func(t *testing.T, now types.Instance) {
			if *now.InstanceId != *host.InstanceId || *now.PublicIpAddress == *host.PublicIpAddress {
				t.Errorf("%s at %s became %s at %s", *host.InstanceId, *host.PublicIpAddress, *now.InstanceId, *now.PublicIpAddress)
			}
		}},
		{"the VPC has another network", all + ipv6 + eip + cidr, func(t *testing.T, now types.Instance) {
			address, err := netip.ParseAddr(aws.ToString(now.PrivateIpAddress))
			if err != nil || !netip.MustParsePrefix("10.77.0.0/16").Contains(address) {
				t.Errorf("the host is at %v, %v", address, err)
			}
			if *now.PublicIpAddress != *host.PublicIpAddress {
				t.Errorf("the Elastic IP was %s and is %s", *host.PublicIpAddress, *now.PublicIpAddress)
			}
		}},
		{"IPv6 is turned off", all + eip + cidr, func(t *testing.T, now types.Instance) {
			if left := ipv6Of(now); len(left) > 0 {
				t.Errorf("the host has %v", left)
			}
		}},
		{"the Elastic IP goes", all + cidr, func(t *testing.T, now types.Instance) {
			if *now.PublicIpAddress == *host.PublicIpAddress {
				t.Errorf("the host is still at %s", *host.PublicIpAddress)
			}
		}},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			clone := clone.For(t)
			set(step.settings)(t, clone)
			clone.MustLaptop("up")
			now := hostInstance(t, ec2.NewFromConfig(clone.AWS()))
			step.check(t, now)
			want := []string{*now.PublicIpAddress}
			if got := slices.DeleteFunc(clone.Lookup("shop.localhost"), isIPv6); !slices.Equal(got, want) {
				t.Errorf("shop.localhost leads to %v, the host is at %v", got, want)
			}
			if out := clone.Must(clone.Pulumi("stack", "output", "web_public_ip", "-s", lab.Stack)); !strings.Contains(out, want[0]) {
				t.Errorf("web_public_ip is %s, the host is at %v", out, want)
			}
			if inventory := clone.Inventory(); len(dataVolumes(inventory)) != 1 || len(inventory["VPCs"]) != 1 {
				t.Errorf("%v", inventory)
			}
			clone.Must(clone.Pulumi("preview", "-s", lab.Stack, "--refresh", "--expect-no-changes"))
			host = now
		}) {
			t.FailNow() // what follows builds on it
		}
	}
}

func isIPv6(address string) bool { return strings.Contains(address, ":") }

func ipv6Of(instance types.Instance) []string {
	var out []string
	for _, nic := range instance.NetworkInterfaces {
		for _, address := range nic.Ipv6Addresses {
			out = append(out, aws.ToString(address.Ipv6Address))
		}
	}
	return out
}
