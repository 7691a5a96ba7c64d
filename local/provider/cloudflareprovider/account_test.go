package cloudflareprovider

import (
	"net/http"
	"net/http/httptest"
	"testing"

	api "github.com/cloudflare/cloudflare-go"

	"webstack/local/cloudflare"
	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

const testToken = "a-token-of-the-test"

// account is a Cloudflare account of one test.
type account struct {
	t     *testing.T
	url   string
	store *cloudflare.Store
	// zone is the id of example.com, other of example.org.
	zone, other string
}

// newAccount makes an account with two zones.
func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{t: t, store: cloudflare.NewStore()}
	for name, id := range map[string]*string{"example.com": &a.zone, "example.org": &a.other} {
		zone, err := a.store.EnsureZone(name)
		if err != nil {
			t.Fatal(err)
		}
		*id = zone.ID
	}
	server := httptest.NewServer(cloudflare.Handler(a.store, cloudflare.Options{Token: testToken}))
	t.Cleanup(server.Close)
	a.url = server.URL + "/client/v4"
	return a
}

// engineAt returns an engine whose provider has that token for the API at url.
func engineAt(t *testing.T, url, token string) *providertest.Engine {
	t.Helper()
	server := providertest.ServeFor(t, Package(url, ""), (&client{}).instance().Types)
	return server.Engine(t, provider.Values{"apiToken": token})
}

// newEngine returns an engine with an account of its own.
func newEngine(t *testing.T) (*providertest.Engine, *account) {
	t.Helper()
	a := newAccount(t)
	return engineAt(t, a.url, testToken), a
}

// records returns the records of example.com.
func (a *account) records() []cloudflare.Record { return a.store.Records(a.zone) }

// change changes a record of example.com behind the provider's back.
func (a *account) change(params api.UpdateDNSRecordParams) {
	a.t.Helper()
	hand, err := api.NewWithAPIToken(testToken, api.BaseURL(a.url), api.HTTPClient(http.DefaultClient))
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := hand.UpdateDNSRecord(a.t.Context(), api.ZoneIdentifier(a.zone), params); err != nil {
		a.t.Fatal(err)
	}
}
