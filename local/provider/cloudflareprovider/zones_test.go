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

const getZone = "cloudflare:index/getZone:getZone"

var sdkFunctions = map[string]providertest.SDKFunction{
	getZone: {cloudflare.LookupZoneArgs{}, cloudflare.LookupZoneResult{}},
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
	got, err := e.Invoke(getZone, provider.Values{"name": "example.org"})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}
	sdkFunctions[getZone].CheckResult(t, got)
	_, err = e.Invoke(getZone, provider.Values{"name": "example.net"})
	if err == nil || !strings.Contains(err.Error(), "no zone found") {
		t.Errorf("a zone that does not exist: %v", err)
	}
}

func TestGetZoneOfSeveralAccounts(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"success":true,"result":[{"id":"1"},{"id":"2"}],"result_info":{"total_pages":1}}`)
	}))
	t.Cleanup(server.Close)
	_, err := engineAt(t, server.URL, testToken).Invoke(getZone, provider.Values{"name": "example.com"})
	if err == nil || !strings.Contains(err.Error(), "2 zones have the name") {
		t.Error(err)
	}
}
