package cloudflareprovider

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-cloudflare/sdk/v5/go/cloudflare"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

const (
	getZone  = "cloudflare:index/getZone:getZone"
	getZones = "cloudflare:index/getZones:getZones"
)

var sdkFunctions = map[string]providertest.SDKFunction{
	getZone:  {cloudflare.LookupZoneArgs{}, cloudflare.LookupZoneResult{}},
	getZones: {cloudflare.GetZonesArgs{}, cloudflare.GetZonesResult{}},
}

func TestNamesAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	known := (&client{}).instance()
	providertest.CheckFunctions(t, known.Functions, sdkFunctions)
	providertest.CheckTypes(t, known.Types, map[string]providertest.SDKType{
		recordToken: {cloudflare.RecordArgs{}, cloudflare.RecordState{}},
	})
}

func TestGetZone(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	want := provider.Values{
		"id": a.other, "zoneId": a.other, "name": "example.org", "accountId": "00000000000000000000000000000001",
		"nameServers": []any{"ada.ns.cloudflare.com", "bob.ns.cloudflare.com"}, "plan": "Free Website",
		"status": "active", "paused": false,
	}
	for _, args := range []provider.Values{{"name": "example.org"}, {"zoneId": a.other}} {
		got, err := e.Invoke(getZone, args)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v: %v, %s", args, err, diff)
		}
		sdkFunctions[getZone].CheckResult(t, got)
	}
	for want, args := range map[string]provider.Values{
		"no zone found":           {"name": "example.net"},
		"Invalid zone identifier": {"zoneId": "none"},
		"set exactly one of":      {"zoneId": a.other, "name": "example.org"},
	} {
		if _, err := e.Invoke(getZone, args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}

func TestGetZoneOfSeveralAccounts(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"success":true,"result":[{"id":"1"},{"id":"2"}],"result_info":{"total_pages":1}}`)
	}))
	t.Cleanup(server.Close)
	_, err := engineAt(t, server.URL, testToken).Invoke(getZone, provider.Values{"name": "example.com"})
	if err == nil || !strings.Contains(err.Error(), "set accountId too") {
		t.Error(err)
	}
}

func TestGetZones(t *testing.T) {
	t.Parallel()
	e, _ := newEngine(t)
	for name, test := range map[string]struct {
		filter provider.Values
		want   []string
	}{
		"all":      {provider.Values{}, []string{"example.com", "example.org"}},
		"by name":  {provider.Values{"name": "example.org"}, []string{"example.org"}},
		"exactly":  {provider.Values{"name": "example"}, nil},
		"by part":  {provider.Values{"name": "ample.c", "lookupType": "contains"}, []string{"example.com"}},
		"by match": {provider.Values{"match": `\.org$`}, []string{"example.org"}},
		"paused":   {provider.Values{"paused": true}, nil},
	} {
		got, err := e.Invoke(getZones, provider.Values{"filter": test.filter})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, zone := range got.Objects("zones") {
			names = append(names, zone.Str("name"))
		}
		if diff := cmp.Diff(test.want, names); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		sdkFunctions[getZones].CheckResult(t, got)
	}
	if _, err := e.Invoke(getZones, provider.Values{"filter": provider.Values{"match": "("}}); err == nil {
		t.Error("an invalid pattern is accepted")
	}
}
