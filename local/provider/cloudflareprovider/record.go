package cloudflareprovider

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cloudflare/cloudflare-go"

	"webstack/local/provider"
)

// recordTypes are the types of addresses, which are all that the program has.
var recordTypes = []string{"A", "AAAA"}

// automatic is the TTL of Cloudflare's own choice.
const automatic = 1

func (c *client) record() provider.Type {
	return provider.Type{
		DeleteBeforeReplace: true,
		ExactlyOneOf:        [][]string{{"content"}},
		Props: map[string]provider.Prop{
			"zoneId":         {Required: true, Replace: true},
			"name":           {Required: true, Replace: true, InputOnly: true, Equal: sameName},
			"type":           {Required: true, Replace: true, Check: checkType},
			"content":        {Computed: true, Equal: sameContent},
			"ttl":            {Computed: true},
			"proxied":        {Computed: true}, // so that false and unset are equal
			"comment":        {},
			"allowOverwrite": {Default: false, InputOnly: true},
			"hostname":       {Output: true},
			"createdOn":      {Output: true},
			"modifiedOn":     {Output: true},
			"metadata":       {Output: true},
			"proxiable":      {Output: true},
		},
		Create: c.createRecord,
		Read:   c.readRecord,
		Update: func(ctx context.Context, change provider.Change) error {
			return c.updateRecord(ctx, change.ID, change.New, change.Old)
		},
		// Unlike elsewhere, a record that is already gone is an error.
		Delete: func(ctx context.Context, id string, state provider.Values) error {
			return c.api.DeleteDNSRecord(ctx, zoneOf(state), id)
		},
		Import: c.importRecord,
	}
}

func checkType(value any) string {
	if text, _ := value.(string); slices.Contains(recordTypes, text) {
		return ""
	}
	return fmt.Sprintf("%q is not one of %s", value, strings.Join(recordTypes, ", "))
}

// sameName compares names, ignoring case.
func sameName(a, b any) bool { return strings.EqualFold(text(a), text(b)) }

// sameContent takes an address in two spellings for one.
func sameContent(a, b any) bool {
	left, errA := netip.ParseAddr(text(a))
	right, errB := netip.ParseAddr(text(b))
	return a == b || errA == nil && errB == nil && left == right
}

func text(value any) string { s, _ := value.(string); return s }

func zoneOf(in provider.Values) *cloudflare.ResourceContainer {
	return cloudflare.ZoneIdentifier(in.Str("zoneId"))
}

func (c *client) createRecord(ctx context.Context, in provider.Values) (string, error) {
	if err := fitsType(in); err != nil {
		return "", fmt.Errorf("create record %q: %w", in.Str("name"), err)
	}
	made, err := c.api.CreateDNSRecord(ctx, zoneOf(in), cloudflare.CreateDNSRecordParams{
		Type: in.Str("type"), Name: in.Str("name"), Content: in.Str("content"), TTL: in.Int("ttl"),
		Proxied: proxied(in), Comment: in.Str("comment"),
	})
	if err != nil && strings.Contains(err.Error(), "already exist") {
		// The real provider waits half a minute for the other record to be deleted; here nothing would delete it.
		if !in.Bool("allowOverwrite") {
			return "", fmt.Errorf("expected DNS record to not already be present but already exists: %w", err)
		}
		return c.takeOver(ctx, in)
	}
	return made.ID, err
}

// fitsType reports a record that the API would reject.
func fitsType(in provider.Values) error {
	content, kind := in.Str("content"), in.Str("type")
	address, err := netip.ParseAddr(content)
	switch {
	case in.Str("name") == "":
		return errors.New("the name is empty; use @ for the zone itself")
	case kind == "A" && (err != nil || !address.Is4()):
		return fmt.Errorf("%q is not an IPv4 address, which type A requires", content)
	case kind == "AAAA" && (err != nil || !address.Is6()):
		return fmt.Errorf("%q is not an IPv6 address, which type AAAA requires", content)
	}
	return fitsProxy(in, in.Int("ttl"))
}

// fitsProxy rejects a proxied record with a TTL of its own.
func fitsProxy(in provider.Values, ttl int) error {
	if in.Bool("proxied") && ttl != 0 && ttl != automatic {
		return fmt.Errorf("ttl must be set to %d when proxied is true, not to %d", automatic, ttl)
	}
	return nil
}

// takeOver adopts an existing record, which must be the only one of its name and type.
func (c *client) takeOver(ctx context.Context, in provider.Values) (string, error) {
	zone, err := c.api.ZoneDetails(ctx, in.Str("zoneId"))
	if err != nil {
		return "", fmt.Errorf("look up the zone of record %q: %w", in.Str("name"), err)
	}
	hostname := in.Str("name") + "." + zone.Name
	if in.Str("name") == "@" || in.Str("name") == zone.Name {
		hostname = zone.Name
	}
	found, _, err := c.api.ListDNSRecords(ctx, zoneOf(in), cloudflare.ListDNSRecordsParams{
		Name: hostname, Type: in.Str("type"),
	})
	if err != nil {
		return "", fmt.Errorf("look for the record to overwrite: %w", err)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("overwrite record %s: there are %d of type %s, not one", hostname, len(found), in.Str("type"))
	}
	return found[0].ID, c.updateRecord(ctx, found[0].ID, in, nil)
}

// updateRecord sends what the program sets; what it omits stays unchanged.
func (c *client) updateRecord(ctx context.Context, id string, in, old provider.Values) error {
	ttl := in.Int("ttl")
	if ttl == 0 {
		ttl = old.Int("ttl")
	}
	if err := fitsProxy(in, ttl); err != nil {
		return fmt.Errorf("update record %q: %w", in.Str("name"), err)
	}
	params := cloudflare.UpdateDNSRecordParams{
		ID: id, Type: in.Str("type"), Name: in.Str("name"), Content: in.Str("content"), TTL: ttl,
		Proxied: proxied(in),
	}
	if comment := in.Str("comment"); comment != "" {
		params.Comment = &comment
	}
	_, err := c.api.UpdateDNSRecord(ctx, zoneOf(in), params)
	return err
}

func proxied(in provider.Values) *bool {
	if !in.Has("proxied") {
		return nil
	}
	return cloudflare.BoolPtr(in.Bool("proxied"))
}

func (c *client) readRecord(ctx context.Context, id string, known provider.Values) (provider.Values, error) {
	record, err := c.api.GetDNSRecord(ctx, zoneOf(known), id)
	if err != nil {
		return nil, gone(err)
	}
	out := provider.Values{
		"zoneId": known["zoneId"], "type": record.Type, "ttl": record.TTL, "proxied": record.Proxied,
		"hostname": record.Name, "proxiable": record.Proxiable, "metadata": metadata(record.Meta),
		"createdOn":  record.CreatedOn.Format(time.RFC3339Nano),
		"modifiedOn": record.ModifiedOn.Format(time.RFC3339Nano),
	}
	if known["content"] != nil { // an import does not fill it in
		out["content"] = record.Content
	}
	if record.Comment != "" {
		out["comment"] = record.Comment
	}
	return out, nil
}

// metadata is Cloudflare's metadata of a record, as text.
func metadata(meta any) map[string]string {
	out := map[string]string{}
	notes, _ := meta.(map[string]any)
	for key, value := range notes {
		out[key] = fmt.Sprint(value)
	}
	return out
}

// gone turns the API's 404 into provider.ErrGone.
func gone(err error) error {
	var missing *cloudflare.NotFoundError
	if errors.As(err, &missing) {
		return fmt.Errorf("%w: %w", provider.ErrGone, err)
	}
	return err
}

// importRecord takes zone and record id. The name becomes relative to the zone; the zone's own stays as it is.
func (c *client) importRecord(ctx context.Context, id string) (string, provider.Values, error) {
	zoneID, recordID, ok := strings.Cut(id, "/")
	if !ok {
		return "", nil, fmt.Errorf("read id %q: give zoneId/recordId", id)
	}
	zone, err := c.api.ZoneDetails(ctx, zoneID)
	if err != nil {
		return "", nil, gone(err)
	}
	record, err := c.api.GetDNSRecord(ctx, cloudflare.ZoneIdentifier(zoneID), recordID)
	if err != nil {
		return "", nil, gone(err)
	}
	return recordID, provider.Values{"zoneId": zoneID, "name": strings.TrimSuffix(record.Name, "."+zone.Name)}, nil
}
