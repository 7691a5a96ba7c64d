package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cloudflare/cloudflare-go"
)

const testToken = "a-token-of-the-test"

// newClient serves a store with zones and returns a client of it. Failed calls are not tried again.
func newClient(t *testing.T, options Options, zones ...string) (*cloudflare.API, *Store) {
	t.Helper()
	store := NewStore(zones...)
	server := httptest.NewServer(Handler(store, options))
	t.Cleanup(server.Close)
	client, err := cloudflare.NewWithAPIToken(testToken, cloudflare.BaseURL(server.URL+base),
		cloudflare.UsingRetryPolicy(0, 0, 0), cloudflare.UsingRateLimit(1e9))
	if err != nil {
		t.Fatal(err)
	}
	return client, store
}

// zoneNamed finds a zone by its name, as the provider does.
func zoneNamed(t *testing.T, client *cloudflare.API, name string) *cloudflare.ResourceContainer {
	t.Helper()
	id, err := client.ZoneIDByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return cloudflare.ZoneIdentifier(id)
}

func TestRecordLifecycle(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, Options{Token: testToken}, "Example.com.")
	ctx, zone := t.Context(), zoneNamed(t, client, "example.com")

	made, err := client.CreateDNSRecord(ctx, zone, cloudflare.CreateDNSRecordParams{
		Type: "A", Name: "Shop", Content: "192.0.2.1", TTL: 300, Comment: "of a test", Tags: []string{"a:b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(made.ID) != 32 || made.Name != "shop.example.com" || made.TTL != 300 || *made.Proxied || !made.Proxiable ||
		made.Comment != "of a test" || made.CreatedOn.IsZero() {
		t.Errorf("created: %+v", made)
	}
	changed, err := client.UpdateDNSRecord(ctx, zone, cloudflare.UpdateDNSRecordParams{
		ID: made.ID, Content: "192.0.2.2", Proxied: cloudflare.BoolPtr(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if changed.Content != "192.0.2.2" || changed.TTL != automatic || changed.Comment != "of a test" {
		t.Errorf("patched: %+v", changed)
	}
	read, err := client.GetDNSRecord(ctx, zone, made.ID)
	if err != nil || read.Content != "192.0.2.2" || !read.CreatedOn.Equal(made.CreatedOn) {
		t.Errorf("read: %+v, %v", read, err)
	}
	if err := client.DeleteDNSRecord(ctx, zone, made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetDNSRecord(ctx, zone, made.ID)
	wantError(t, err, 404, "81044")
	wantError(t, client.DeleteDNSRecord(ctx, zone, made.ID), 404, "81044")
	_, err = client.UpdateDNSRecord(ctx, zone, cloudflare.UpdateDNSRecordParams{ID: made.ID, Content: "192.0.2.3"})
	wantError(t, err, 404, "81044")
}

// wantError checks an error's HTTP status and Cloudflare's code in its text.
func wantError(t *testing.T, err error, status int, text string) {
	t.Helper()
	var missing *cloudflare.NotFoundError
	var request *cloudflare.RequestError
	var forbidden *cloudflare.AuthorizationError
	got := 0
	switch {
	case errors.As(err, &missing):
		got = 404
	case errors.As(err, &request):
		got = 400
	case errors.As(err, &forbidden):
		got = 403
	}
	if got != status || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v (status %d), want status %d and %q", err, got, status, text)
	}
}

func TestPutResetsOmittedFields(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, Options{}, "example.com")
	zone := zoneNamed(t, client, "example.com")
	made, err := client.CreateDNSRecord(t.Context(), zone, cloudflare.CreateDNSRecordParams{
		Type: "A", Name: "shop", Content: "192.0.2.1", TTL: 300, Comment: "of a test",
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := client.Raw(t.Context(), http.MethodPut, "/zones/"+zone.Identifier+"/dns_records/"+made.ID,
		map[string]any{"type": "A", "name": "shop", "content": "192.0.2.9"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got recordJSON
	if err := json.Unmarshal(raw.Result, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != made.ID || got.Content != "192.0.2.9" || got.TTL != automatic || got.Comment != nil {
		t.Errorf("put: %+v", got)
	}
}

func TestNamesAreQualified(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, Options{}, "example.com")
	zone := zoneNamed(t, client, "example.com")
	for name, want := range map[string]string{
		"@": "example.com", "www": "www.example.com", "WWW2.Example.com": "www2.example.com",
		"*": "*.example.com", "a.b": "a.b.example.com", "other.org": "other.org.example.com",
		"_acme-challenge.www": "_acme-challenge.www.example.com", "notexample.com": "notexample.com.example.com",
	} {
		made, err := client.CreateDNSRecord(t.Context(), zone, cloudflare.CreateDNSRecordParams{
			Type: "TXT", Name: name, Content: "Some Text", TTL: 60,
		})
		if err != nil || made.Name != want || made.Content != "Some Text" {
			t.Errorf("%s: %q, %v, want %q", name, made.Name, err, want)
		}
	}
}

func TestBadRecordsAreRefused(t *testing.T) {
	t.Parallel()
	client, store := newClient(t, Options{}, "example.com")
	ctx, zone := t.Context(), zoneNamed(t, client, "example.com")
	for _, good := range []cloudflare.CreateDNSRecordParams{
		{Type: "A", Name: "host", Content: "192.0.2.1", TTL: 1},
		{Type: "A", Name: "host", Content: "192.0.2.2", TTL: 1}, // two addresses of one name are fine
		{Type: "AAAA", Name: "host", Content: "2001:db8:0:0::1", TTL: 86400},
		{Type: "CNAME", Name: "alias", Content: "Host.example.com.", TTL: 60},
		{Type: "MX", Name: "@", Content: "mail.example.com", Priority: cloudflare.Uint16Ptr(10), TTL: 1},
	} {
		if _, err := client.CreateDNSRecord(ctx, zone, good); err != nil {
			t.Fatalf("%+v: %v", good, err)
		}
	}
	before := store.Records(zone.Identifier)
	for _, bad := range []struct {
		name   string
		record cloudflare.CreateDNSRecordParams
		code   string
	}{
		{"no IPv4 address", cloudflare.CreateDNSRecordParams{Type: "A", Name: "x", Content: "2001:db8::1"}, "(9005)"},
		{"no address", cloudflare.CreateDNSRecordParams{Type: "A", Name: "x", Content: "192.0.2.256"}, "(9005)"},
		{"no IPv6 address", cloudflare.CreateDNSRecordParams{Type: "AAAA", Name: "x", Content: "192.0.2.1"}, "(9006)"},
		{"alias of an address", cloudflare.CreateDNSRecordParams{Type: "CNAME", Name: "x", Content: "192.0.2.1"}, "(9007)"},
		{"alias of itself", cloudflare.CreateDNSRecordParams{Type: "CNAME", Name: "x", Content: "x.example.com"}, "(9039)"},
		{"empty text", cloudflare.CreateDNSRecordParams{Type: "TXT", Name: "x"}, "(1004)"},
		{"TTL too short", cloudflare.CreateDNSRecordParams{Type: "A", Name: "x", Content: "192.0.2.1", TTL: 59}, "(9021)"},
		{"TTL too long", cloudflare.CreateDNSRecordParams{Type: "A", Name: "x", Content: "192.0.2.1", TTL: 86401}, "(9021)"},
		{"proxied text", cloudflare.CreateDNSRecordParams{Type: "TXT", Name: "x", Content: "x",
			Proxied: cloudflare.BoolPtr(true)}, "(9004)"},
		{"no such type", cloudflare.CreateDNSRecordParams{Type: "SRV", Name: "x", Content: "x"}, "(1004)"},
		{"bad label", cloudflare.CreateDNSRecordParams{Type: "A", Name: "a..b", Content: "192.0.2.1"}, "(9000)"},
		{"inner wildcard", cloudflare.CreateDNSRecordParams{Type: "A", Name: "a.*.b", Content: "192.0.2.1"}, "(9000)"},
		{"long comment", cloudflare.CreateDNSRecordParams{Type: "A", Name: "x", Content: "192.0.2.1",
			Comment: strings.Repeat("é", 101)}, "(1004)"},
		{"the same again", cloudflare.CreateDNSRecordParams{Type: "A", Name: "HOST", Content: "192.0.2.1"}, "(81058)"},
		{"the same in another spelling", cloudflare.CreateDNSRecordParams{Type: "AAAA", Name: "host",
			Content: "2001:DB8::1"}, "(81058)"},
		{"alias beside an address", cloudflare.CreateDNSRecordParams{Type: "CNAME", Name: "host",
			Content: "b.example.com"}, "(81053)"},
		{"second alias", cloudflare.CreateDNSRecordParams{Type: "CNAME", Name: "alias",
			Content: "b.example.com"}, "(81053)"},
		{"address beside an alias", cloudflare.CreateDNSRecordParams{Type: "A", Name: "alias",
			Content: "192.0.2.1"}, "(81054)"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			_, err := client.CreateDNSRecord(ctx, zone, bad.record)
			wantError(t, err, 400, bad.code)
		})
	}
	_, err := client.CreateDNSRecord(ctx, cloudflare.ZoneIdentifier(strings.Repeat("0", 32)),
		cloudflare.CreateDNSRecordParams{Type: "A", Name: "x", Content: "192.0.2.1"})
	wantError(t, err, 404, "(1001)")
	if after := store.Records(zone.Identifier); len(after) != len(before) {
		t.Errorf("%d records, want the %d from before", len(after), len(before))
	}
}

func TestAnUpdateIsCheckedLikeACreate(t *testing.T) {
	t.Parallel()
	client, store := newClient(t, Options{}, "example.com")
	ctx, zone := t.Context(), zoneNamed(t, client, "example.com")
	var ids []string
	for _, name := range []string{"a", "b"} {
		made, err := client.CreateDNSRecord(ctx, zone, cloudflare.CreateDNSRecordParams{Type: "A", Name: name,
			Content: "192.0.2.1"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, made.ID)
	}
	_, err := client.UpdateDNSRecord(ctx, zone, cloudflare.UpdateDNSRecordParams{ID: ids[1], Name: "a"})
	wantError(t, err, 400, "(81058)")
	_, err = client.UpdateDNSRecord(ctx, zone, cloudflare.UpdateDNSRecordParams{ID: ids[1], Content: "nowhere"})
	wantError(t, err, 400, "(9005)")
	if got := store.Records(zone.Identifier)[1]; got.Name != "b.example.com" || got.Content != "192.0.2.1" {
		t.Errorf("a refused update changed the record: %+v", got)
	}
}

func TestListsComeInPagesAndFiltered(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, Options{}, "example.com")
	ctx, zone := t.Context(), zoneNamed(t, client, "example.com")
	const records = 230
	for i := range records {
		_, err := client.CreateDNSRecord(ctx, zone, cloudflare.CreateDNSRecordParams{
			Type: "A", Name: "app" + strconv.Itoa(i), Content: "192.0.2.1", Proxied: cloudflare.BoolPtr(i == 7),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	all, _, err := client.ListDNSRecords(ctx, zone, cloudflare.ListDNSRecordsParams{})
	if err != nil || len(all) != records {
		t.Errorf("%d records, %v, want %d", len(all), err, records)
	}
	page, info, err := client.ListDNSRecords(ctx, zone, cloudflare.ListDNSRecordsParams{
		ResultInfo: cloudflare.ResultInfo{Page: 3, PerPage: 100},
	})
	if err != nil || len(page) != 30 || info.Total != records || info.TotalPages != 3 || info.Count != 30 {
		t.Errorf("third page: %d records, %+v, %v", len(page), info, err)
	}
	for name, params := range map[string]cloudflare.ListDNSRecordsParams{
		"by name and type": {Name: "APP7.example.com", Type: "A"},
		"by being proxied": {Proxied: cloudflare.BoolPtr(true)},
	} {
		found, _, err := client.ListDNSRecords(ctx, zone, params)
		if err != nil || len(found) != 1 || found[0].Name != "app7.example.com" {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
	for _, none := range []cloudflare.ListDNSRecordsParams{{Type: "AAAA"}, {Content: "192.0.2.9"}, {Name: "app"}} {
		if found, _, err := client.ListDNSRecords(ctx, zone, none); err != nil || len(found) != 0 {
			t.Errorf("%+v: %+v, %v", none, found, err)
		}
	}
}

func TestZonesAreFound(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, Options{}, "example.com", "example.org", "localhost")
	for filter, want := range map[string]int{"": 3, "example.com": 1, "contains:example": 2, "starts_with:l": 1,
		"nope.org": 0} {
		found, err := client.ListZonesContext(t.Context(), cloudflare.WithZoneFilters(filter, "", ""))
		if err != nil || len(found.Result) != want {
			t.Errorf("%q: %+v, %v, want %d", filter, found.Result, err, want)
		}
	}
	id := zoneNamed(t, client, "localhost").Identifier
	zone, err := client.ZoneDetails(t.Context(), id)
	if err != nil || zone.Name != "localhost" || zone.Status != "active" || len(zone.NameServers) != 2 || zone.Paused {
		t.Errorf("zone: %+v, %v", zone, err)
	}
	_, err = client.ZoneDetails(t.Context(), strings.Repeat("f", 32))
	wantError(t, err, 404, "(1001)")
}

func TestAZoneIsMadeOnDemand(t *testing.T) {
	t.Parallel()
	client, store := newClient(t, Options{AutoZones: true})
	id := zoneNamed(t, client, "new-app.example").Identifier
	if again := zoneNamed(t, client, "new-app.example").Identifier; again != id {
		t.Errorf("ids %s and %s", id, again)
	}
	if zone, ok := store.ZoneOf("www.New-App.example."); !ok || zone.ID != id {
		t.Errorf("zone of a name in it: %+v, %v", zone, ok)
	}
	international := zoneNamed(t, client, "xn--bcher-kva.example").Identifier
	if zone, ok := store.ZoneOf("www.xn--bcher-kva.example"); !ok || zone.ID != international {
		t.Errorf("zone of a name in Punycode: %+v, %v", zone, ok)
	}
	_, err := client.ListZonesContext(t.Context(), cloudflare.WithZoneFilters("no domain", "", ""))
	wantError(t, err, 400, "(1003)")
	if found, err := client.ListZonesContext(t.Context(), cloudflare.WithZoneFilters("", "", "")); err != nil ||
		len(found.Result) != 2 {
		t.Errorf("zones: %+v, %v", found.Result, err)
	}
}

func TestOnlyTheTokenIsAccepted(t *testing.T) {
	t.Parallel()
	handler := Handler(NewStore("example.com"), Options{Token: testToken})
	for _, tt := range []struct {
		authorization, path string
		status, code        int
	}{
		{"", "/zones", 400, 9106},
		{"Bearer ", "/zones", 400, 9106},
		{"Bearer another", "/zones", 403, 10000},
		{"key", "/zones", 403, 9103},
		{"Bearer " + testToken, "/zones", 200, 0},
		{"Bearer " + testToken, "/accounts", 404, 7000},
		{"Bearer " + testToken, "/zones?per_page=51", 400, 1003},
		{"Bearer " + testToken, "/zones?page=0", 400, 1003},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, base+tt.path, nil)
		if tt.authorization == "key" {
			request.Header.Set("X-Auth-Key", "0123456789")
			request.Header.Set("X-Auth-Email", "someone@example.com")
		} else {
			request.Header.Set("Authorization", tt.authorization)
		}
		recorded := httptest.NewRecorder()
		handler.ServeHTTP(recorded, request)
		var got envelope
		if err := json.NewDecoder(recorded.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		code := 0
		if len(got.Errors) > 0 {
			code = got.Errors[0].Code
		}
		if recorded.Code != tt.status || code != tt.code || got.Success != (tt.status == 200) {
			t.Errorf("%s with %q: %d, %+v, want %d and code %d", tt.path, tt.authorization, recorded.Code, got, tt.status,
				tt.code)
		}
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	client, store := newClient(t, Options{AutoZones: true})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := putAndTake(t.Context(), client, i); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	zone, _ := store.ZoneOf("example.net")
	if left := store.Records(zone.ID); len(left) != 10 || zone.Serial != 31 {
		t.Errorf("%d records, serial %d; want 10 and 31", len(left), zone.Serial)
	}
}

// putAndTake makes a record, and deletes it again when i is odd.
func putAndTake(ctx context.Context, client *cloudflare.API, i int) error {
	id, err := client.ZoneIDByName("example.net")
	if err != nil {
		return err
	}
	zone := cloudflare.ZoneIdentifier(id)
	made, err := client.CreateDNSRecord(ctx, zone, cloudflare.CreateDNSRecordParams{
		Type: "A", Name: "app" + strconv.Itoa(i), Content: "192.0.2.1",
	})
	if err != nil || i%2 == 0 {
		return err
	}
	return client.DeleteDNSRecord(ctx, zone, made.ID)
}
