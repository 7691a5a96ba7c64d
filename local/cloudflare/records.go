package cloudflare

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// recordJSON is a record as the API shows it.
type recordJSON struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Content    string         `json:"content"`
	Proxiable  bool           `json:"proxiable"`
	Proxied    bool           `json:"proxied"`
	TTL        int            `json:"ttl"`
	Priority   *uint16        `json:"priority,omitempty"`
	Settings   map[string]any `json:"settings"`
	Meta       map[string]any `json:"meta"`
	Comment    *string        `json:"comment"`
	Tags       []string       `json:"tags"`
	CreatedOn  time.Time      `json:"created_on"`
	ModifiedOn time.Time      `json:"modified_on"`
}

func recordView(r Record) recordJSON {
	view := recordJSON{
		ID: r.ID, Name: r.Name, Type: r.Type, Content: r.Content, Proxiable: slices.Contains(proxiable, r.Type),
		Proxied: r.Proxied, TTL: r.TTL, Settings: map[string]any{}, Meta: map[string]any{},
		Tags: append([]string{}, r.Tags...), CreatedOn: r.CreatedOn, ModifiedOn: r.ModifiedOn,
	}
	if r.Type == "MX" {
		view.Priority = &r.Priority
	}
	if r.Comment != "" {
		view.Comment = &r.Comment
	}
	return view
}

// edit is a client's change of a record; fields that it omits are nil.
type edit struct {
	Name     *string   `json:"name"`
	Type     *string   `json:"type"`
	Content  *string   `json:"content"`
	TTL      *int      `json:"ttl"`
	Proxied  *bool     `json:"proxied"`
	Priority *uint16   `json:"priority"`
	Comment  *string   `json:"comment"`
	Tags     *[]string `json:"tags"`
}

// apply changes the fields that the client set.
func (e edit) apply(r *Record) {
	set(&r.Name, e.Name)
	set(&r.Type, e.Type)
	set(&r.Content, e.Content)
	set(&r.TTL, e.TTL)
	set(&r.Proxied, e.Proxied)
	set(&r.Priority, e.Priority)
	set(&r.Comment, e.Comment)
	set(&r.Tags, e.Tags)
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// readEdit reads the request. If it cannot, it answers with an error.
func readEdit(w http.ResponseWriter, r *http.Request) (e edit, ok bool) {
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		fail(w, invalid(9207, "Request body is invalid: %v", err))
		return e, false
	}
	return e, true
}

func (a *api) createRecord(w http.ResponseWriter, r *http.Request) {
	e, ok := readEdit(w, r)
	if !ok {
		return
	}
	var made Record
	e.apply(&made)
	made, err := a.store.create(r.PathValue("zone"), made)
	respond(w, made, err)
}

func (a *api) getRecord(w http.ResponseWriter, r *http.Request) {
	if _, err := a.store.zone(r.PathValue("zone")); err != nil {
		fail(w, err)
		return
	}
	found, err := a.store.record(r.PathValue("zone"), r.PathValue("record"))
	respond(w, found, err)
}

// putRecord replaces a record: fields that the client omits are reset.
func (a *api) putRecord(w http.ResponseWriter, r *http.Request) {
	e, ok := readEdit(w, r)
	if !ok {
		return
	}
	changed, err := a.store.update(r.PathValue("zone"), r.PathValue("record"), func(old *Record) {
		*old = Record{ID: old.ID, CreatedOn: old.CreatedOn}
		e.apply(old)
	})
	respond(w, changed, err)
}

// patchRecord changes a record: fields that the client omits stay.
func (a *api) patchRecord(w http.ResponseWriter, r *http.Request) {
	e, ok := readEdit(w, r)
	if !ok {
		return
	}
	changed, err := a.store.update(r.PathValue("zone"), r.PathValue("record"), e.apply)
	respond(w, changed, err)
}

func (a *api) deleteRecord(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("record")
	if err := a.store.remove(r.PathValue("zone"), id); err != nil {
		fail(w, err)
		return
	}
	answer(w, map[string]string{"id": id})
}

// listRecords lists a zone's records, filtered by name, type, content and whether they are proxied.
func (a *api) listRecords(w http.ResponseWriter, r *http.Request) {
	zone, err := a.store.zone(r.PathValue("zone"))
	if err != nil {
		fail(w, err)
		return
	}
	query := r.URL.Query()
	wanted := func(given, have string) bool { return given == "" || strings.EqualFold(given, have) }
	found := []recordJSON{}
	for _, one := range a.store.Records(zone.ID) {
		if wanted(query.Get("name")+query.Get("name.exact"), one.Name) && wanted(query.Get("type"), one.Type) &&
			wanted(query.Get("content")+query.Get("content.exact"), one.Content) &&
			wanted(query.Get("proxied"), strconv.FormatBool(one.Proxied)) {
			found = append(found, recordView(one))
		}
	}
	answerPage(w, r, found, 100, 5_000_000)
}
