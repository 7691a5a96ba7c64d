package cloudflareprovider

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const testToken = "a-token-of-the-test"

// api is as much of the Cloudflare API as the provider calls: zones that are there, and their records.
type api struct {
	mu      sync.Mutex
	zones   []map[string]any
	records map[string]map[string]any // by id
	made    int
}

// newAPI serves zones, each by its name with dashes for dots as its id.
func newAPI(t *testing.T, zones ...string) (*api, string) {
	t.Helper()
	a := &api{records: map[string]map[string]any{}}
	for _, name := range zones {
		a.zones = append(a.zones, map[string]any{
			"id": zoneID(name), "name": name, "status": "active", "paused": false, "account": map[string]any{"id": "account"},
			"name_servers": []string{"one.ns.example", "two.ns.example"}, "plan": map[string]any{"name": "Free Website"},
		})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /zones", a.listZones)
	mux.HandleFunc("GET /zones/{zone}", a.getZone)
	mux.HandleFunc("GET /zones/{zone}/dns_records", a.listRecords)
	mux.HandleFunc("POST /zones/{zone}/dns_records", a.createRecord)
	mux.HandleFunc("/zones/{zone}/dns_records/{id}", a.record)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer "+testToken {
			fail(w, http.StatusForbidden, 10000, "Authentication error")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return a, server.URL
}

func zoneID(name string) string { return strings.ReplaceAll(name, ".", "-") }

// set changes a record behind the provider's back.
func (a *api) set(id, key string, value any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.records[id][key] = value
}

// all are copies of the records there are.
func (a *api) all() []map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []map[string]any
	for _, id := range slices.Sorted(maps.Keys(a.records)) {
		out = append(out, maps.Clone(a.records[id]))
	}
	return out
}

func (a *api) listZones(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	part, contains := strings.CutPrefix(name, "contains:")
	found := slices.DeleteFunc(slices.Clone(a.zones), func(zone map[string]any) bool {
		has := zone["name"].(string)
		return name != "" && has != name && !(contains && strings.Contains(has, part))
	})
	answer(w, found, len(found))
}

func (a *api) zone(id string) map[string]any {
	for _, zone := range a.zones {
		if zone["id"] == id {
			return zone
		}
	}
	return nil
}

func (a *api) getZone(w http.ResponseWriter, r *http.Request) {
	zone := a.zone(r.PathValue("zone"))
	if zone == nil {
		fail(w, http.StatusNotFound, 1001, "Invalid zone identifier")
		return
	}
	answer(w, zone, 1)
}

func (a *api) listRecords(w http.ResponseWriter, r *http.Request) {
	found := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(a.records)) {
		record := a.records[id]
		if record["name"] == r.URL.Query().Get("name") && record["type"] == r.URL.Query().Get("type") {
			found = append(found, record)
		}
	}
	answer(w, found, len(found))
}

func (a *api) createRecord(w http.ResponseWriter, r *http.Request) {
	zone := a.zone(r.PathValue("zone"))
	record := map[string]any{"ttl": 1, "proxied": false, "proxiable": true, "meta": map[string]any{"auto_added": false}}
	if err := json.NewDecoder(r.Body).Decode(&record); err != nil || zone == nil {
		fail(w, http.StatusBadRequest, 9000, "DNS record is invalid")
		return
	}
	record["name"] = inZone(record["name"].(string), zone["name"].(string))
	for _, other := range a.records {
		if other["name"] == record["name"] && other["type"] == record["type"] && other["content"] == record["content"] {
			fail(w, http.StatusBadRequest, 81058, "An identical record already exists.")
			return
		}
	}
	a.made++
	id := fmt.Sprintf("record-%d", a.made)
	record["id"], record["created_on"], record["modified_on"] = id, time.Now().UTC(), time.Now().UTC()
	a.records[id] = record
	answer(w, record, 1)
}

// inZone is the full name of a name that is relative to a zone, or full already.
func inZone(name, zone string) string {
	name = strings.ToLower(name)
	if name == "@" || name == zone {
		return zone
	}
	return strings.TrimSuffix(name, "."+zone) + "." + zone
}

func (a *api) record(w http.ResponseWriter, r *http.Request) {
	record, ok := a.records[r.PathValue("id")]
	if !ok {
		fail(w, http.StatusNotFound, 81044, "Record does not exist.")
		return
	}
	switch r.Method {
	case http.MethodDelete:
		delete(a.records, r.PathValue("id"))
	case http.MethodPatch:
		if err := json.NewDecoder(r.Body).Decode(&record); err != nil {
			fail(w, http.StatusBadRequest, 9000, "DNS record is invalid")
			return
		}
		record["name"] = inZone(record["name"].(string), a.zone(r.PathValue("zone"))["name"].(string))
		record["modified_on"] = time.Now().UTC()
	}
	answer(w, record, 1)
}

func answer(w http.ResponseWriter, result any, count int) {
	_ = json.NewEncoder(w).Encode(map[string]any{
		"success": true, "result": result,
		"result_info": map[string]any{"page": 1, "per_page": 50, "count": count, "total_count": count, "total_pages": 1},
	})
}

func fail(w http.ResponseWriter, status, code int, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"success": false, "errors": []map[string]any{{"code": code, "message": message}},
	})
}
