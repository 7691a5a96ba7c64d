package cloudflare

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Types are the record types that the store accepts: those that need only a content and a priority.
var Types = []string{"A", "AAAA", "CNAME", "MX", "NS", "TXT"}

// proxiable are the types that Cloudflare can proxy.
var proxiable = []string{"A", "AAAA", "CNAME"}

const (
	automatic  = 1     // the TTL of Cloudflare's choice
	minTTL     = 60    // seconds; only zones of the Enterprise plan may go down to 30
	maxTTL     = 86400 // seconds
	maxComment = 100   // characters, on the Free plan
	maxTXT     = 2048  // characters
)

// label is one part of a host name; services such as _acme-challenge begin with an underscore.
var label = regexp.MustCompile(`^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$`)

// isDomain reports whether name, in lower case, can be a host name.
func isDomain(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	return !slices.ContainsFunc(strings.Split(name, "."), func(part string) bool { return !label.MatchString(part) })
}

// qualify makes the client's name fully qualified: @ and the apex are the zone itself, and a name that does not end in
// the zone's is relative to it.
func (z *zone) qualify(name string) string {
	name = normal(name)
	if name == "@" || name == z.Name {
		return z.Name
	}
	if strings.HasSuffix(name, "."+z.Name) {
		return name
	}
	return name + "." + z.Name
}

// accept brings a record into its stored form, and reports one that Cloudflare would reject.
func (z *zone) accept(r *Record) *apiError {
	if r.Name == "" {
		return invalid(9000, "DNS name is invalid.")
	}
	r.Name = z.qualify(r.Name)
	if r.TTL == 0 || r.Proxied {
		r.TTL = automatic
	}
	if r.Type != "TXT" {
		r.Content = normal(strings.TrimSpace(r.Content))
	}
	if err := r.check(); err != nil {
		return err
	}
	return z.conflict(*r)
}

// check reports what is wrong with a record on its own.
func (r *Record) check() *apiError {
	switch {
	case !slices.Contains(Types, r.Type):
		return invalid(1004, "DNS Validation Error: the laptop cloud does not support records of type %q, only %s.",
			r.Type, strings.Join(Types, ", "))
	case !isDomain(strings.TrimPrefix(r.Name, "*.")):
		return invalid(9000, "DNS name is invalid.")
	case r.TTL != automatic && (r.TTL < minTTL || r.TTL > maxTTL):
		return invalid(9021, "Invalid TTL. Must be between %d and %d seconds, or %d for Automatic.", minTTL, maxTTL,
			automatic)
	case r.Proxied && !slices.Contains(proxiable, r.Type):
		return invalid(9004, "This record type cannot be proxied.")
	case utf8.RuneCountInString(r.Comment) > maxComment:
		return invalid(1004, "DNS Validation Error: the comment is longer than %d characters.", maxComment)
	}
	return r.checkContent()
}

func (r *Record) checkContent() *apiError {
	address, err := netip.ParseAddr(r.Content)
	switch {
	case r.Type == "A" && (err != nil || !address.Is4()):
		return invalid(9005, "Content for A record must be a valid IPv4 address.")
	case r.Type == "AAAA" && (err != nil || !address.Is6() || address.Is4In6() || address.Zone() != ""):
		return invalid(9006, "Content for AAAA record must be a valid IPv6 address.")
	case r.Type == "AAAA":
		r.Content = address.String() // one spelling
	case r.Type == "TXT" && (r.Content == "" || len(r.Content) > maxTXT):
		return invalid(1004, "DNS Validation Error: content for TXT record must have 1 to %d characters.", maxTXT)
	case slices.Contains([]string{"CNAME", "MX", "NS"}, r.Type) && (err == nil || !isDomain(r.Content)):
		return invalid(9007, "Content for %s record is invalid.", r.Type)
	case r.Type == "CNAME" && r.Content == r.Name:
		return invalid(9039, "CNAME records cannot reference themselves.")
	}
	return nil
}

// conflict returns the other record of the zone that conflicts with r.
func (z *zone) conflict(r Record) *apiError {
	for _, other := range z.records {
		if other.ID == r.ID || other.Name != r.Name {
			continue
		}
		host := slices.Contains(proxiable, other.Type)
		switch {
		case other.Type == r.Type && other.Content == r.Content:
			return invalid(81058, "An identical record already exists.")
		case r.Type == "CNAME" && host:
			return invalid(81053, "An A, AAAA, or CNAME record with that host already exists.")
		case other.Type == "CNAME" && slices.Contains(proxiable, r.Type):
			return invalid(81054, "A CNAME record with that host already exists.")
		}
	}
	return nil
}

// apiError is an error of the API.
type apiError struct {
	status  int
	code    int
	message string
}

var (
	errNoZone   = &apiError{404, 1001, "Invalid zone identifier"}
	errNoRecord = &apiError{404, 81044, "Record does not exist."}
	errNoRoute  = &apiError{404, 7000, "No route for that URI"}
	errToken    = &apiError{403, 10000, "Authentication error"}
	errKey      = &apiError{403, 9103, "Unknown X-Auth-Key or X-Auth-Email"}
	errNoToken  = &apiError{400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers"}
)

func invalid(code int, format string, args ...any) *apiError {
	return &apiError{400, code, fmt.Sprintf(format, args...)}
}
