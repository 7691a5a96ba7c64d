package awsprovider

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
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
		"state": "available", "excludeNames": []string{"eu-central-1b"},
		"filters": []any{provider.Values{"name": "region-name", "values": []string{"eu-central-1"}}},
	})
	if diff := cmp.Diff([]string{"eu-central-1a", "eu-central-1c"}, got.Strs("names")); diff != "" {
		t.Error(diff)
	}
	if len(got.Strs("zoneIds")) != 2 || got.Str("id") != "eu-central-1" {
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

func TestGetAmi(t *testing.T) {
	t.Parallel()
	const token = "aws:ec2/getAmi:getAmi"
	search := provider.Values{
		"owners":    []string{"099720109477"},
		"nameRegex": "^ubuntu/images/",
		"filters":   []any{provider.Values{"name": "architecture", "values": []string{"x86_64"}}},
	}
	if _, err := newEngine(t).Invoke(token, search); err == nil || !strings.Contains(err.Error(), "set mostRecent") {
		t.Errorf("several images: %v", err)
	}
	none := providertest.Merged(search, provider.Values{"nameRegex": "^windows 3.1$"})
	if _, err := newEngine(t).Invoke(token, none); err == nil || !strings.Contains(err.Error(), "no image matches") {
		t.Errorf("no image: %v", err)
	}
	got := invoked(t, token, providertest.Merged(search, provider.Values{"mostRecent": true}))
	name, id := got.Str("name"), got.Str("id")
	if !strings.HasPrefix(name, "ubuntu/images/") || !strings.HasPrefix(id, "ami-") {
		t.Errorf("image %q, id %q", name, id)
	}
	if got.Str("architecture") != "x86_64" || got.Str("rootDeviceName") == "" {
		t.Errorf("architecture %q, root device %q", got.Str("architecture"), got.Str("rootDeviceName"))
	}
}

func TestAccountFunctions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ args, want provider.Values }{
		"aws:index/getCallerIdentity:getCallerIdentity": {nil, provider.Values{
			"id": "123456789012", "accountId": "123456789012",
		}},
		"aws:index/getPartition:getPartition": {nil, provider.Values{
			"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws",
		}},
		"aws:index/getRegion:getRegion": {provider.Values{"name": "us-west-2"}, provider.Values{
			"id": "us-west-2", "name": "us-west-2", "endpoint": "ec2.us-west-2.amazonaws.com",
		}},
	}
	for token, test := range tests {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			got := invoked(t, token, test.args)
			for key, want := range test.want {
				if diff := cmp.Diff(want, got[key]); diff != "" {
					t.Errorf("%s: %s", key, diff)
				}
			}
		})
	}
	own := invoked(t, "aws:index/getRegion:getRegion", nil)
	if own.Str("name") != "eu-central-1" {
		t.Errorf("the provider's own region is %q", own.Str("name"))
	}
	_, err := newEngine(t).Invoke("aws:index/getRegion:getRegion", provider.Values{"name": "mars-north-1"})
	if err == nil || !strings.Contains(err.Error(), "find region mars-north-1") {
		t.Errorf("a region that does not exist: %v", err)
	}
}
