package render

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// serveACME starts Caddy for a stack whose certificates come from an authority that checks its ports; open says whether
// the one for TLS can be reached.
func serveACME(t *testing.T, s stack, seconds uint64, open bool, edits ...string) (*server, *pebble) {
	t.Helper()
	p := freePorts(t)
	tlsPort := p.https
	if !open {
		tlsPort = freePorts(t).https
	}
	authority := startPebble(t, p.http, tlsPort, seconds)
	srv := &server{
		host: newHost(t, s.with("acme", authority.directory)), ports: p, edits: edits,
		env: []string{"SSL_CERT_FILE=" + authority.file},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the authority said:\n%s", authority.log())
		}
	})
	srv.start(t)
	return srv, authority
}

func TestCertificatesByACME(t *testing.T) {
	t.Parallel()
	s, authority := serveACME(t, twoApps(), 90*24*3600, true)
	s.proxyTo(t, "shop", says("this is shop"))
	client := s.client(&tls.Config{RootCAs: authority.roots})
	if got := s.get(t, client, "https://shop.example.com/"); got.StatusCode != http.StatusOK {
		t.Errorf("got %s", got.Status)
	}
	if got := s.get(t, client, "https://www.example.com/x"); got.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("an alias: got %s", got.Status)
	}
	if len(authority.contacts) == 0 {
		t.Error("no account was made")
	}
	for _, contact := range authority.contacts {
		if !slices.Equal(contact, []string{"mailto:ops@example.com"}) {
			t.Errorf("the account's contact is %v", contact)
		}
	}
}

// Behind Cloudflare only what comes to port 80 arrives. A Caddy draws once which of the challenges it may use it tries
// first, so there are some.
func TestProxiedNamesGetCertificatesOverPort80(t *testing.T) {
	t.Parallel()
	shop := map[string]any{"domain": "shop.example.com", "zone": "example.com", "cfProxied": true}
	for range 5 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			_, authority := serveACME(t, stack{"apps": map[string]any{"shop": shop}}, 90*24*3600, false)
			if strings.Contains(authority.log(), "set INVALID") {
				t.Error("a challenge failed first: it was not the one over port 80")
			}
		})
	}
}

func TestCertificatesAreRenewed(t *testing.T) {
	t.Parallel()
	// Caddy checks every ten minutes whether something should be renewed; the test cannot wait that long.
	s, authority := serveACME(t, stack{"apps": map[string]any{"shop": map[string]any{"domain": "shop.example.com"}}}, 20, true,
		"\tskip_install_trust\n", "\tskip_install_trust\n\trenew_interval 500ms\n")
	serial := func() string {
		conn, err := tls.Dial("tcp", s.httpsAddress(), &tls.Config{ServerName: "shop.example.com", RootCAs: authority.roots})
		if err != nil {
			t.Fatalf("while it is renewed: %v", err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	eventually(t, "the certificate was not renewed", func() bool { return serial() != first })
}
