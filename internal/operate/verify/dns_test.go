package verify

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// proxyAddress is Cloudflare's.
const proxyAddress = "104.16.0.1"

// behindProxy puts blog behind Cloudflare, which answers so.
func behindProxy(handle http.HandlerFunc) func(*testing.T, *stand) {
	return func(_ *testing.T, s *stand) {
		s.config.Apps[0].CfProxied = true
		s.names["blog.example.com"] = []string{proxyAddress}
		s.site.pages["https://blog.example.com"] = handle
	}
}

// row runs the checks of one name and returns the row of a subject.
func row(t *testing.T, s *stand, check, subject string) Row {
	t.Helper()
	rows, err := run(t.Context(), s.world(), dnsChecks, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Check == check && row.Subject == subject {
			return row
		}
	}
	t.Fatalf("there is no row %s of %s", check, subject)
	return Row{}
}

func TestDNSAdvice(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set            func(*stand)
		check, subject string
		outcome        Outcome
		found, do      string
	}{
		"a record beside ours": {func(s *stand) {
			s.config.EnableDns, s.names["shop.example.com"] = true, []string{publicAddress, "198.51.100.1"}
		}, "dns.names", "shop.example.com", Fail, "198.51.100.1 in addition to the host's",
			"delete the record of shop.example.com with 198.51.100.1 in the Cloudflare dashboard, zone example.com"},
		"a record beside ours, elsewhere": {func(s *stand) {
			s.config.EnableDns, s.names["shop.example.com"] = false, []string{publicAddress, "198.51.100.1"}
		}, "dns.names", "shop.example.com", Fail, "198.51.100.1 in addition to", "at your DNS provider"},
		"an old answer": {func(s *stand) { s.names["shop.example.com"] = []string{"198.51.100.1"} },
			"dns.names", "shop.example.com", Fail, "according to 192.0.2.53", "192.0.2.53 may return the old answer for another 5m0s"},
		"a hosts file": {func(s *stand) { s.here = map[string][]string{"shop.example.com": {"127.0.0.1"}} },
			"dns.names", "shop.example.com", Pass, "203.0.113.10, according to 192.0.2.53; this computer uses 127.0.0.1", ""},
		"no hosts file": {func(s *stand) { s.here = s.names }, "dns.names", "shop.example.com", Pass, "203.0.113.10", ""},
		"proxied on the laptop cloud": {func(s *stand) { s.config.Apps[0].CfProxied, s.emulated = true, true },
			"dns.names", "blog.example.com", Pass, "203.0.113.10; in a real zone, these would be addresses of Cloudflare's proxy", ""},
		"mode Flexible": {func(s *stand) { behindProxy(redirectTo("https://blog.example.com/"))(nil, s) },
			"dns.proxy", "blog.example.com", Fail, "a redirect loop", "to Full (strict)"},
		"a redirect of the app's own": {func(s *stand) { behindProxy(redirectTo("https://blog.example.com/login"))(nil, s) },
			"dns.proxy", "blog.example.com", Pass, "308", ""},
		"a site behind the proxy": {func(s *stand) { behindProxy(page(http.StatusOK))(nil, s) },
			"dns.proxy", "blog.example.com", Pass, "200", ""},
	}
	for name, test := range tests {
		s := newStand(t)
		s.config.Apps[1].Zone = "example.com"
		test.set(s)
		got := row(t, s, test.check, test.subject)
		if got.Outcome != test.outcome || !strings.Contains(got.Found, test.found) || !strings.Contains(got.Do, test.do) ||
			test.outcome == Pass && got.Do != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// There is no proxy on the laptop cloud to judge.
func TestTheLaptopCloudHasNoProxy(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	behindProxy(redirectTo("https://blog.example.com/"))(t, s)
	s.emulated = true
	rows, err := run(t.Context(), s.world(), dnsChecks, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Check == "dns.proxy" {
			t.Errorf("%+v", row)
		}
	}
}

// serveDNS answers as handle says and returns its address.
func serveDNS(t *testing.T, handle dns.HandlerFunc) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, Handler: handle, NotifyStartedFunc: func() { close(started) }}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}

// zone answers for a few names, and for localhost otherwise than any hosts file does.
func zone(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg).SetReply(query)
	q := query.Question[0]
	records := map[string][]string{
		"localhost.":        {"localhost. 60 IN A 192.0.2.7"},
		"both.example.com.": {"both.example.com. 60 IN A 192.0.2.9", "both.example.com. 300 IN AAAA 2001:db8::1"},
		"www.example.com.":  {"www.example.com. 60 IN CNAME both.example.com.", "both.example.com. 90 IN A 192.0.2.9"},
	}
	for _, text := range records[q.Name] {
		record, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		if kind := record.Header().Rrtype; kind == q.Qtype || kind == dns.TypeCNAME {
			reply.Answer = append(reply.Answer, record)
		}
	}
	switch {
	case q.Name == "broken.example.com.":
		reply.Rcode = dns.RcodeServerFailure
	case len(reply.Answer) == 0:
		reply.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(reply)
}

func TestNameServersAreAskedAndNoHostsFile(t *testing.T) {
	t.Parallel()
	server := serveDNS(t, zone)
	resolver := newResolver(server)
	for name, want := range map[string][]string{
		"localhost": {"192.0.2.7"}, "both.example.com": {"192.0.2.9", "2001:db8::1"}, "www.example.com": {"192.0.2.9"},
	} {
		got, err := resolver.lookup(t.Context(), name)
		if diff := cmp.Diff(want, got.addresses); err != nil || diff != "" || got.server != server || got.ttl == 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := resolver.lookup(t.Context(), "nowhere.example.com"); !errors.Is(err, errNoName) || !strings.Contains(err.Error(), server) {
		t.Error(err)
	}
	if _, err := resolver.lookup(t.Context(), "broken.example.com"); err == nil || !strings.Contains(err.Error(), "SERVFAIL") {
		t.Error(err)
	}
}

func TestTheNextNameServerIsAsked(t *testing.T) {
	t.Parallel()
	broken := serveDNS(t, func(w dns.ResponseWriter, query *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(query, dns.RcodeRefused))
	})
	server := serveDNS(t, zone)
	got, err := nameServers{broken, server}.lookup(t.Context(), "both.example.com")
	if err != nil || got.server != server {
		t.Errorf("%+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (nameServers{broken}).lookup(ctx, "both.example.com"); err == nil || !strings.Contains(err.Error(), broken) {
		t.Error(err)
	}
}
