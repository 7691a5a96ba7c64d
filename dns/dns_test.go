package dns

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/golden"
	"webstack/internal/pulumitest"
)

func args(edits ...func(*Args)) *Args {
	out := &Args{
		Stack: "test", IPv4: pulumi.String("192.0.2.10"), IPv6: pulumi.String("2001:db8::5"),
		Records: []Record{
			{App: "blog", Zone: "example.org", Name: "@", TTL: 300},
			{App: "shop", Zone: "example.com", Name: "shop", Proxied: true, TTL: 1},
			{App: "shop", Zone: "example.com", Name: "www.shop", Proxied: true, TTL: 1},
		},
	}
	for _, edit := range edits {
		edit(out)
	}
	return out
}

func program(args *Args, names ...string) pulumi.RunFunc {
	return pulumitest.Component(New, args, []pulumitest.Provider{pulumitest.Cloudflare}, names...)
}

var options = pulumitest.Options{Invokes: map[string]func(resource.PropertyMap) resource.PropertyMap{
	"cloudflare:index/getZone:getZone": func(args resource.PropertyMap) resource.PropertyMap {
		return resource.PropertyMap{"id": resource.NewProperty("zone-of-" + args["name"].StringValue())}
	},
}}

func TestDns(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(), "dns"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
		recorder.CheckShape(t)
		if n := len(recorder.Calls()); n != 2 {
			t.Errorf("%d zone lookups for two zones", n)
		}
		golden.Compare(t, recorder.Dump(t), ".json")
	})
}

func TestWithoutIPv6(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(func(a *Args) { a.IPv6 = nil }), "dns"), options)
	recorder.Count(t, "cloudflare:index/record:Record", 3)
}

func TestTwoInOneProgram(t *testing.T) {
	t.Parallel()
	pulumitest.MustRun(t, program(args(), "one", "two"), options).CheckShape(t)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) { a.Records[1].TTL, a.Records[2].Name = 300, "www.shop.example.com" })
	pulumitest.CheckRefused(t, program(bad, "dns"), options, "must have TTL 1, not 300", "relative to the zone")
}

// A host that is stopped has no address, and its records are better kept than emptied.
func TestRecordsOfAHostWithoutAnAddress(t *testing.T) {
	t.Parallel()
	stopped := args(func(a *Args) { a.IPv4 = pulumi.String("") })
	recorder, err := pulumitest.Run(program(stopped, "dns"), options)
	if err == nil || !strings.Contains(err.Error(), "at the host: the host has no public address") ||
		!strings.Contains(err.Error(), "pulumi up --refresh") {
		t.Errorf("got %v", err)
	}
	for _, record := range recorder.ByType("cloudflare:index/record:Record") {
		if record.Text("type") == "A" {
			t.Errorf("%s is changed", record.Name)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(), "dns"), options)
}
