package cloudflareprovider

import (
	"strings"
	"testing"

	api "github.com/cloudflare/cloudflare-go"
	"github.com/google/go-cmp/cmp"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

const recordToken = "cloudflare:index/record:Record"

// address returns a record of the account's first zone.
func (a *account) address(more provider.Values) provider.Values {
	return providertest.Merged(provider.Values{
		"zoneId": a.zone, "name": "shop", "type": "A", "content": "192.0.2.10",
	}, more)
}

func TestRecord(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	providertest.Lifecycle{
		Token:   recordToken,
		Inputs:  a.address(provider.Values{"ttl": 300, "proxied": false, "comment": "app shop"}),
		Unknown: []string{"hostname", "createdOn", "modifiedOn", "proxiable", "metadata"},
		Want:    provider.Values{"hostname": "shop.example.com", "proxiable": true, "allowOverwrite": false},
		Update: provider.Values{
			"content": "192.0.2.11", "ttl": 1, "proxied": true, "comment": "app store",
		},
		Replace:      []provider.Values{{"name": "store"}, {"zoneId": a.other}, {"type": "AAAA"}},
		DeletesFirst: true,
		ImportID:     "{zoneId}/{id}",
		NotImported:  []string{"content"}, // the real provider does not fill it in either
		DeletedTwice: "Record does not exist",
	}.Run(t, e)
}

// TestRecordWithoutTTL: Cloudflare's choice is not drift, and omitting it later changes nothing.
func TestRecordWithoutTTL(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	r := e.Create(recordToken, a.address(provider.Values{"name": "@"}))
	if r.Outputs.Int("ttl") != 1 || r.Outputs.Str("hostname") != "example.com" {
		t.Errorf("outputs %v", r.Outputs)
	}
	a.change(api.UpdateDNSRecordParams{ID: r.ID, TTL: 600})
	if _, inputs, outputs := r.Refresh(); inputs["ttl"] != nil || outputs.Int("ttl") != 600 {
		t.Errorf("after a refresh ttl is %v as input and %v as output", inputs["ttl"], outputs["ttl"])
	}
}

func TestDriftIsFoundAndReverted(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	r := e.Create(recordToken, a.address(nil))
	a.change(api.UpdateDNSRecordParams{ID: r.ID, Content: "198.51.100.1"})
	_, r.Inputs, r.Outputs = r.Refresh()
	if got := r.Diff(e.Checked(recordToken, r.Inputs, a.address(nil))).Diffs; strings.Join(got, " ") != "content" {
		t.Errorf("differences %v", got)
	}
	r.Update(a.address(nil))
	if got := a.records(); len(got) != 1 || got[0].Content != "192.0.2.10" {
		t.Errorf("records %v", got)
	}
}

// TestACommentStays if the program no longer sets it.
func TestACommentStays(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	r := e.Create(recordToken, a.address(provider.Values{"comment": "app shop"}))
	r.Update(a.address(nil))
	if got := a.records(); len(got) != 1 || got[0].Comment != "app shop" {
		t.Errorf("records %v", got)
	}
}

// TestSpellings: a different spelling of the same value is not a change.
func TestSpellings(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	for name, test := range map[string]struct {
		inputs, changes provider.Values
		differ          bool
	}{
		"case of the name": {a.address(nil), provider.Values{"name": "SHOP"}, false},
		"IPv6": {
			a.address(provider.Values{"name": "six", "type": "AAAA", "content": "2001:db8::1"}),
			provider.Values{"content": "2001:0db8:0::1"}, false,
		},
		"relative name and full one": {
			a.address(provider.Values{"name": "www"}), provider.Values{"name": "www.example.com"}, true,
		},
	} {
		r := e.Create(recordToken, test.inputs)
		got := r.Diff(e.Checked(recordToken, r.Inputs, providertest.Merged(test.inputs, test.changes)))
		if differ := got.Changes != pulumirpc.DiffResponse_DIFF_NONE; differ != test.differ {
			t.Errorf("%s: differences %v", name, got.Diffs)
		}
	}
}

// TestRefusedBeforeTheAPI: problems of a record are reported at creation, not in a preview.
func TestRefusedBeforeTheAPI(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changes provider.Values
		want    string
	}{
		"no name":              {provider.Values{"name": ""}, "the name is empty"},
		"proxied with a TTL":   {provider.Values{"proxied": true, "ttl": 300}, "ttl must be set to 1 when proxied is true"},
		"IPv6 for A":           {provider.Values{"content": "2001:db8::1"}, "is not an IPv4 address"},
		"IPv4 for AAAA":        {provider.Values{"type": "AAAA"}, "is not an IPv6 address"},
		"zone that is unknown": {provider.Values{"zoneId": "none"}, "Invalid zone identifier"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, a := newEngine(t)
			e.Previewed(recordToken, a.address(test.changes))
			_, err := e.TryCreate(recordToken, a.address(test.changes))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("create: %v, want %q", err, test.want)
			}
			if got := a.records(); len(got) > 0 {
				t.Errorf("records %v", got)
			}
		})
	}
}

func TestProxiedLaterNeedsTheRightTTL(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	r := e.Create(recordToken, a.address(provider.Values{"ttl": 300}))
	// If the program no longer sets a TTL, the old one counts.
	err := r.TryUpdate(a.address(provider.Values{"proxied": true}))
	if err == nil || !strings.Contains(err.Error(), "ttl must be set to 1 when proxied is true, not to 300") {
		t.Errorf("update: %v", err)
	}
	r.Update(a.address(provider.Values{"proxied": true, "ttl": 1}))
}

func TestChecks(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	for name, test := range map[string]struct {
		changes provider.Values
		want    string
	}{
		"no content": {provider.Values{"content": nil}, "set exactly one of content; 0 are set"},
		"type":       {provider.Values{"type": "SRV"}, `type: "SRV" is not one of A, AAAA`},
		"data":       {provider.Values{"data": provider.Values{}}, "data: the laptop cloud does not support this"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := e.Check(recordToken, nil, a.address(test.changes))
			providertest.WantProblem(t, problems, test.want)
		})
	}
}

func TestExistingRecord(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	first := e.Create(recordToken, a.address(provider.Values{"comment": "by hand"}))
	_, err := e.TryCreate(recordToken, a.address(nil))
	if err == nil || !strings.Contains(err.Error(), "expected DNS record to not already be present but already exists") {
		t.Errorf("a second one: %v", err)
	}
	second := e.Create(recordToken, a.address(provider.Values{"allowOverwrite": true, "ttl": 120}))
	if second.ID != first.ID || len(a.records()) != 1 || second.Outputs.Int("ttl") != 120 {
		t.Errorf("taken over as %s with %v; records %v", second.ID, second.Outputs, a.records())
	}
	first.ID = "" // it is the second's now
	full := a.address(provider.Values{"name": "shop.example.com", "allowOverwrite": true})
	if _, err := e.TryCreate(recordToken, full); err == nil || !strings.Contains(err.Error(), "there are 0 of type A") {
		t.Errorf("with a full name, which is not found: %v", err)
	}
}

// TestReadByInputsAlone: an engine that was killed knows only the inputs, and the id from the journal.
func TestReadByInputsAlone(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	r := e.Create(recordToken, a.address(provider.Values{"ttl": 300}))
	id, _, outputs := e.Read(recordToken, r.ID, r.Inputs, r.Inputs)
	if diff := cmp.Diff(r.Outputs, outputs); id != r.ID || diff != "" {
		t.Errorf("id %q, outputs differ: %s", id, diff)
	}
}

func TestImportOfTheZonesOwnName(t *testing.T) {
	t.Parallel()
	e, a := newEngine(t)
	r := e.Create(recordToken, a.address(provider.Values{"name": "@"}))
	_, inputs, _ := e.Read(recordToken, a.zone+"/"+r.ID, nil, nil)
	if inputs["name"] != "example.com" {
		t.Errorf("name %v", inputs["name"])
	}
	if id, _, _ := e.Read(recordToken, a.zone+"/none", nil, nil); id != "" {
		t.Errorf("a record that does not exist is imported as %q", id)
	}
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	e := engineAt(t, a.url, "another")
	_, err := e.TryCreate(recordToken, a.address(nil))
	if err == nil || !strings.Contains(err.Error(), "Authentication error") || strings.Contains(err.Error(), "another") {
		t.Errorf("create: %v", err)
	}
}
