package nameserver

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"webstack/local/cloudflare"
)

const (
	// automatic is the TTL, in seconds, of records that leave it to Cloudflare.
	automatic = 300
	// negative is how long clients may cache that there is nothing, in seconds.
	negative = 60
	// maxAliases limits a chain of aliases, which may be circular.
	maxAliases = 8
	// maxString is the longest piece of a text in a TXT record, in bytes (RFC 1035, section 3.3).
	maxString = 255
)

// answer answers one query from the store.
func answer(store *cloudflare.Store, query *dns.Msg) *dns.Msg {
	reply := new(dns.Msg).SetReply(query)
	if query.Opcode != dns.OpcodeQuery || len(query.Question) != 1 {
		reply.Rcode = dns.RcodeNotImplemented
		return reply
	}
	question := query.Question[0]
	zone, ok := store.ZoneOf(question.Name)
	if !ok || question.Qclass != dns.ClassINET {
		reply.Rcode = dns.RcodeRefused // this is not a resolver
		return reply
	}
	reply.Authoritative = true
	v := view{zone: zone, records: store.Records(zone.ID)}
	switch v.resolve(reply, strings.ToLower(question.Name), question.Qtype) {
	case noName:
		reply.Rcode = dns.RcodeNameError
		reply.Ns = []dns.RR{v.soa()}
	case noData:
		reply.Ns = []dns.RR{v.soa()}
	}
	return reply
}

// view is a snapshot of one zone.
type view struct {
	zone    cloudflare.Zone
	records []cloudflare.Record
}

// outcome is what the zone has for a name and a type.
type outcome int

const (
	answered outcome = iota // records, or an alias that leads out of the zone
	noData                  // the name exists, without records of the type
	noName
)

// resolve adds what the zone has for name and type, following aliases within the zone. The outcome is that of the last
// name in the chain, as in RFC 2308, section 2.
func (v *view) resolve(reply *dns.Msg, name string, kind uint16) outcome {
	for range maxAliases {
		found, exists := v.at(strings.TrimSuffix(name, "."))
		before, alias := len(reply.Answer), ""
		for _, r := range found {
			rr := convert(r, name)
			if kind == rr.Header().Rrtype || kind == dns.TypeANY || rr.Header().Rrtype == dns.TypeCNAME {
				reply.Answer = append(reply.Answer, rr)
			}
			if cname, ok := rr.(*dns.CNAME); ok && kind != dns.TypeCNAME && kind != dns.TypeANY {
				alias = cname.Target
			}
		}
		if name == dns.Fqdn(v.zone.Name) {
			v.apex(reply, kind)
		}
		switch {
		case alias != "" && dns.IsSubDomain(dns.Fqdn(v.zone.Name), alias):
			name = alias
		case len(reply.Answer) > before:
			return answered
		case exists:
			return noData
		default:
			return noName
		}
	}
	return answered // circular aliases
}

// at returns the records of a name, or those of a wildcard if the name itself does not exist, as in RFC 4592.
func (v *view) at(name string) (found []cloudflare.Record, exists bool) {
	below := "." + name
	for _, r := range v.records {
		if r.Name == name {
			found = append(found, r)
		}
		exists = exists || r.Name == name || strings.HasSuffix(r.Name, below)
	}
	if exists || name == v.zone.Name {
		return found, true
	}
	// Only the wildcard right below the closest name that exists counts.
	_, encloser, _ := strings.Cut(name, ".")
	for encloser != v.zone.Name && !v.exists(encloser) {
		_, encloser, _ = strings.Cut(encloser, ".")
	}
	for _, r := range v.records {
		if r.Name == "*."+encloser {
			found = append(found, r)
		}
	}
	return found, len(found) > 0
}

// exists reports whether name has records, or something below it has.
func (v *view) exists(name string) bool {
	return slices.ContainsFunc(v.records, func(r cloudflare.Record) bool {
		return r.Name == name || strings.HasSuffix(r.Name, "."+name)
	})
}

// apex adds the records that every zone has at its apex.
func (v *view) apex(reply *dns.Msg, kind uint16) {
	if kind == dns.TypeSOA || kind == dns.TypeANY {
		reply.Answer = append(reply.Answer, v.soa())
	}
	if kind == dns.TypeNS || kind == dns.TypeANY {
		for _, name := range cloudflare.NameServers {
			reply.Answer = append(reply.Answer, &dns.NS{Hdr: header(v.zone.Name, dns.TypeNS, 86400), Ns: dns.Fqdn(name)})
		}
	}
}

func (v *view) soa() dns.RR {
	return &dns.SOA{
		Hdr: header(v.zone.Name, dns.TypeSOA, negative), Ns: dns.Fqdn(cloudflare.NameServers[0]),
		Mbox: "dns.cloudflare.com.", Serial: v.zone.Serial, Refresh: 10000, Retry: 2400, Expire: 604800, Minttl: negative,
	}
}

// convert makes a resource record for name. A proxied record answers with its own content: Cloudflare would answer with
// addresses of its proxy, but the laptop cloud has no proxy, and traffic goes directly to the host.
func convert(r cloudflare.Record, name string) dns.RR {
	ttl := uint32(r.TTL)
	if r.TTL == 1 {
		ttl = automatic
	}
	switch r.Type {
	case "A":
		return &dns.A{Hdr: header(name, dns.TypeA, ttl), A: netip.MustParseAddr(r.Content).AsSlice()}
	case "AAAA":
		return &dns.AAAA{Hdr: header(name, dns.TypeAAAA, ttl), AAAA: netip.MustParseAddr(r.Content).AsSlice()}
	case "CNAME":
		return &dns.CNAME{Hdr: header(name, dns.TypeCNAME, ttl), Target: dns.Fqdn(r.Content)}
	case "MX":
		return &dns.MX{Hdr: header(name, dns.TypeMX, ttl), Preference: r.Priority, Mx: dns.Fqdn(r.Content)}
	case "NS":
		return &dns.NS{Hdr: header(name, dns.TypeNS, ttl), Ns: dns.Fqdn(r.Content)}
	default: // the store does not accept other types
		return &dns.TXT{Hdr: header(name, dns.TypeTXT, ttl), Txt: pieces(r.Content)}
	}
}

// pieces splits a text into the strings of a TXT record. Cloudflare accepts texts with and without quotes.
func pieces(text string) []string {
	if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	var out []string
	for chunk := range slices.Chunk([]byte(text), maxString) {
		out = append(out, string(chunk))
	}
	return out
}

func header(name string, kind uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: dns.Fqdn(name), Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}
