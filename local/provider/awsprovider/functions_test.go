package awsprovider

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/local/provider"
)

// invoked calls a function and checks that its result has only members that the SDK reads.
func invoked(t *testing.T, token string, args provider.Values) provider.Values {
	t.Helper()
	got, err := newEngine(t).Invoke(token, args)
	if err != nil {
		t.Fatal(err)
	}
	sdkFunctions[token].CheckResult(t, got)
	return got
}

func TestGetAvailabilityZones(t *testing.T) {
	t.Parallel()
	got := invoked(t, "aws:index/getAvailabilityZones:getAvailabilityZones", provider.Values{
		"filters": []any{provider.Values{"name": "region-name", "values": []string{"eu-central-1"}}},
	})
	if diff := cmp.Diff([]string{"eu-central-1a", "eu-central-1b", "eu-central-1c"}, got.Strs("names")); diff != "" {
		t.Error(diff)
	}
	if len(got.Strs("zoneIds")) != 3 || got.Str("id") != "eu-central-1" {
		t.Errorf("zones %v, id %q", got.Strs("zoneIds"), got.Str("id"))
	}
}

func TestGetInstanceTypeOfferings(t *testing.T) {
	t.Parallel()
	got := invoked(t, "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings", provider.Values{
		"locationType": "availability-zone",
		"filters":      []any{provider.Values{"name": "instance-type", "values": []string{"t4g.small"}}},
	})
	types, zones := got.Strs("instanceTypes"), got.Strs("locations")
	if len(zones) == 0 || len(types) != len(zones) || !slices.Contains(zones, "eu-central-1a") || types[0] != "t4g.small" {
		t.Errorf("types %v, zones %v", types, zones)
	}
}

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	got := invoked(t, "aws:index/getCallerIdentity:getCallerIdentity", nil)
	if got.Str("id") != "123456789012" || got.Str("accountId") != "123456789012" {
		t.Errorf("got %v", got)
	}
}
