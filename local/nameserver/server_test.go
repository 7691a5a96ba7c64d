package nameserver

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"webstack/local/cloudflare"
)

// put makes a record by the API, the only way into the store.
func put(t *testing.T, store *cloudflare.Store, zone string, record map[string]any) {
	t.Helper()
	found, err := store.EnsureZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost,
		"/client/v4/zones/"+found.ID+"/dns_records", bytes.NewReader(body))
	request.Header.Set("Authorization", "Bearer any")
	recorded := httptest.NewRecorder()
	cloudflare.Handler(store, cloudflare.Options{}).ServeHTTP(recorded, request)
	if recorded.Code != http.StatusOK {
		t.Fatalf("put %v: %s", record, recorded.Body)
	}
}

func record(name, kind, content string) map[string]any {
	return map[string]any{"name": name, "type": kind, "content": content, "ttl": 120}
}

// serve runs a server over the store and returns its address.
func serve(t *testing.T, store *cloudflare.Store) string {
	t.Helper()
	server, err := Listen("127.0.0.1", store)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port()))
}

func ask(t *testing.T, client *dns.Client, server, name string, kind uint16) *dns.Msg {
	t.Helper()
	reply, _, err := client.ExchangeContext(t.Context(), new(dns.Msg).SetQuestion(name, kind), server)
	if err != nil {
		t.Fatalf("ask for %s %s: %v", name, dns.TypeToString[kind], err)
	}
	return reply
}

// texts are records in a readable form, without their time to live.
func texts(rrs []dns.RR) []string {
	out := []string{}
	for _, rr := range rrs {
		fields := strings.Fields(rr.String())
		out = append(out, strings.Join(slices.Delete(fields, 1, 3), " "))
	}
	return out
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	store := cloudflare.NewStore("example.com", "localhost", "inner.example.com")
	for _, r := range []map[string]any{
		record("@", "A", "192.0.2.1"), record("shop", "A", "192.0.2.2"), record("shop", "A", "192.0.2.3"),
		record("shop", "AAAA", "2001:db8::2"), record("www", "CNAME", "shop.example.com"),
		record("far", "CNAME", "www.example.org"), record("gone", "CNAME", "nothing.example.com"),
		record("ring", "CNAME", "ring2.example.com"), record("ring2", "CNAME", "ring.example.com"),
		record("*", "A", "192.0.2.9"), record("*.apps", "CNAME", "shop.example.com"), record("one.deep", "A", "192.0.2.4"),
		record("note", "TXT", `"v=1"`), record("@", "MX", "mail.example.com"),
		{"name": "proxied", "type": "A", "content": "192.0.2.5", "proxied": true},
	} {
		put(t, store, "example.com", r)
	}
	put(t, store, "localhost", record("shop", "A", "127.0.0.2"))
	for _, r := range []map[string]any{
		record("a", "A", "192.0.2.6"), record("alias", "CNAME", "none.inner.example.com"),
		record("alias2", "CNAME", "a.inner.example.com"),
	} {
		put(t, store, "inner.example.com", r)
	}
	server := serve(t, store)
	nothing := []string{}
	for _, tt := range []struct {
		name  string
		query string
		kind  uint16
		rcode int
		want  []string
	}{
		{"apex", "example.com.", dns.TypeA, dns.RcodeSuccess, []string{"example.com. A 192.0.2.1"}},
		{"several addresses", "shop.example.com.", dns.TypeA, dns.RcodeSuccess,
			[]string{"shop.example.com. A 192.0.2.2", "shop.example.com. A 192.0.2.3"}},
		{"IPv6", "shop.example.com.", dns.TypeAAAA, dns.RcodeSuccess, []string{"shop.example.com. AAAA 2001:db8::2"}},
		{"upper case", "SHOP.Example.COM.", dns.TypeAAAA, dns.RcodeSuccess, []string{"shop.example.com. AAAA 2001:db8::2"}},
		{"alias", "www.example.com.", dns.TypeAAAA, dns.RcodeSuccess,
			[]string{"www.example.com. CNAME shop.example.com.", "shop.example.com. AAAA 2001:db8::2"}},
		{"alias asked for", "www.example.com.", dns.TypeCNAME, dns.RcodeSuccess,
			[]string{"www.example.com. CNAME shop.example.com."}},
		{"alias out of the zone", "far.example.com.", dns.TypeA, dns.RcodeSuccess,
			[]string{"far.example.com. CNAME www.example.org."}},
		{"alias to what only a wildcard has", "gone.example.com.", dns.TypeA, dns.RcodeSuccess,
			[]string{"gone.example.com. CNAME nothing.example.com.", "nothing.example.com. A 192.0.2.9"}},
		{"text", "note.example.com.", dns.TypeTXT, dns.RcodeSuccess, []string{`note.example.com. TXT "v=1"`}},
		{"mail", "example.com.", dns.TypeMX, dns.RcodeSuccess, []string{"example.com. MX 0 mail.example.com."}},
		{"proxied", "proxied.example.com.", dns.TypeA, dns.RcodeSuccess, []string{"proxied.example.com. A 192.0.2.5"}},
		{"no such type", "note.example.com.", dns.TypeA, dns.RcodeSuccess, nothing},
		{"wildcard", "any.thing.example.com.", dns.TypeA, dns.RcodeSuccess, []string{"any.thing.example.com. A 192.0.2.9"}},
		{"wildcard of another type", "any.example.com.", dns.TypeAAAA, dns.RcodeSuccess, nothing},
		{"wildcard alias", "x.apps.example.com.", dns.TypeAAAA, dns.RcodeSuccess,
			[]string{"x.apps.example.com. CNAME shop.example.com.", "shop.example.com. AAAA 2001:db8::2"}},
		{"wildcard does not cover a name that exists", "apps.example.com.", dns.TypeA, dns.RcodeSuccess, nothing},
		{"wildcard does not cover below a name that exists", "two.deep.example.com.", dns.TypeA, dns.RcodeNameError, nothing},
		{"empty name above another", "deep.example.com.", dns.TypeA, dns.RcodeSuccess, nothing},
		{"zone within a zone", "a.inner.example.com.", dns.TypeA, dns.RcodeSuccess,
			[]string{"a.inner.example.com. A 192.0.2.6"}},
		{"zone within a zone hides the outer wildcard", "b.inner.example.com.", dns.TypeA, dns.RcodeNameError, nothing},
		{"zone of one label", "shop.localhost.", dns.TypeA, dns.RcodeSuccess, []string{"shop.localhost. A 127.0.0.2"}},
		{"no such name", "blog.localhost.", dns.TypeA, dns.RcodeNameError, nothing},
		{"name servers", "localhost.", dns.TypeNS, dns.RcodeSuccess,
			[]string{"localhost. NS ada.ns.cloudflare.com.", "localhost. NS bob.ns.cloudflare.com."}},
		{"foreign zone", "example.org.", dns.TypeA, dns.RcodeRefused, nothing},
		{"suffix that is not a zone", "notexample.com.", dns.TypeA, dns.RcodeRefused, nothing},
		{"root", ".", dns.TypeNS, dns.RcodeRefused, nothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reply := ask(t, &dns.Client{}, server, tt.query, tt.kind)
			if reply.Rcode != tt.rcode || reply.Authoritative == (tt.rcode == dns.RcodeRefused) {
				t.Errorf("%s, authoritative %v", dns.RcodeToString[reply.Rcode], reply.Authoritative)
			}
			if diff := cmp.Diff(tt.want, texts(reply.Answer)); diff != "" {
				t.Error(diff)
			}
			soa := len(reply.Ns) == 1 && reply.Ns[0].Header().Rrtype == dns.TypeSOA
			if soa != (len(tt.want) == 0 && tt.rcode != dns.RcodeRefused) {
				t.Errorf("authority: %v", reply.Ns)
			}
		})
	}
	for name, want := range map[string]int{
		"alias.inner.example.com.": dns.RcodeNameError, "alias2.inner.example.com.": dns.RcodeSuccess,
	} {
		t.Run("nothing at the end of "+name, func(t *testing.T) {
			t.Parallel()
			reply := ask(t, &dns.Client{}, server, name, dns.TypeAAAA)
			if reply.Rcode != want || len(reply.Answer) != 1 || len(reply.Ns) != 1 ||
				reply.Ns[0].Header().Rrtype != dns.TypeSOA {
				t.Errorf("want %s, the alias and the SOA record: %v", dns.RcodeToString[want], reply)
			}
		})
	}
	t.Run("aliases in a circle end", func(t *testing.T) {
		t.Parallel()
		if reply := ask(t, &dns.Client{}, server, "ring.example.com.", dns.TypeA); len(reply.Answer) != maxAliases {
			t.Errorf("answer: %v", reply.Answer)
		}
	})
}

func TestChangesShowAtOnce(t *testing.T) {
	t.Parallel()
	store := cloudflare.NewStore("example.com")
	server := serve(t, store)
	serial := func() uint32 {
		return ask(t, &dns.Client{}, server, "example.com.", dns.TypeSOA).Answer[0].(*dns.SOA).Serial
	}
	before := serial()
	if reply := ask(t, &dns.Client{}, server, "new.example.com.", dns.TypeA); reply.Rcode != dns.RcodeNameError {
		t.Errorf("before: %v", reply)
	}
	put(t, store, "example.com", record("new", "A", "192.0.2.1"))
	reply := ask(t, &dns.Client{}, server, "new.example.com.", dns.TypeA)
	if diff := cmp.Diff([]string{"new.example.com. A 192.0.2.1"}, texts(reply.Answer)); diff != "" {
		t.Error(diff)
	}
	if ttl := reply.Answer[0].Header().Ttl; ttl != 120 {
		t.Errorf("TTL %d, want 120", ttl)
	}
	if after := serial(); after <= before {
		t.Errorf("serial %d after %d", after, before)
	}
}

func TestLargeAnswersComeOverTCP(t *testing.T) {
	t.Parallel()
	store := cloudflare.NewStore("example.com")
	long := strings.Repeat("x", 700)
	put(t, store, "example.com", record("long", "TXT", long))
	server := serve(t, store)
	if reply := ask(t, &dns.Client{}, server, "long.example.com.", dns.TypeTXT); !reply.Truncated {
		t.Error("an answer over 512 bytes is not cut in UDP")
	}
	reply := ask(t, &dns.Client{Net: "tcp"}, server, "long.example.com.", dns.TypeTXT)
	if got := strings.Join(reply.Answer[0].(*dns.TXT).Txt, ""); got != long {
		t.Errorf("TCP: %d characters, want %d", len(got), len(long))
	}
	query := new(dns.Msg).SetQuestion("long.example.com.", dns.TypeTXT).SetEdns0(1232, false)
	for _, protocol := range []string{"udp", "tcp"} {
		reply, _, err := (&dns.Client{Net: protocol, UDPSize: 1232}).ExchangeContext(t.Context(), query, server)
		if err != nil || reply.Truncated || reply.IsEdns0() == nil {
			t.Errorf("with EDNS over %s: %v, %v", protocol, reply, err)
		}
	}
}

func TestOnlyPlainQueriesAreAnswered(t *testing.T) {
	t.Parallel()
	server := serve(t, cloudflare.NewStore("example.com"))
	update := new(dns.Msg).SetUpdate("example.com.")
	reply, _, err := (&dns.Client{}).ExchangeContext(t.Context(), update, server)
	if err != nil || reply.Rcode != dns.RcodeNotImplemented {
		t.Errorf("update: %v, %v", reply, err)
	}
	chaos := new(dns.Msg).SetQuestion("example.com.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	reply, _, err = (&dns.Client{}).ExchangeContext(t.Context(), chaos, server)
	if err != nil || reply.Rcode != dns.RcodeRefused {
		t.Errorf("class CHAOS: %v, %v", reply, err)
	}
}
