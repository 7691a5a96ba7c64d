package render

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// pebble is an ACME authority for which all names are at 127.0.0.1.
type pebble struct {
	// directory is the URL that a client begins with, file a certificate by which it can be trusted.
	directory, file string
	// roots are the roots of the certificates it issues.
	roots *x509.CertPool

	mu       sync.Mutex
	contacts [][]string
	said     bytes.Buffer
}

// startPebble starts an authority that looks at challenges at these ports and issues certificates for so many seconds.
func startPebble(t *testing.T, httpPort, tlsPort int, seconds uint64) *pebble {
	t.Helper()
	p := &pebble{file: filepath.Join(t.TempDir(), "pebble.pem"), roots: x509.NewCertPool()}
	logger := log.New(p, "", 0)
	store := db.NewMemoryStore()
	authority := ca.New(logger, store, "", "ecdsa", 0, 1, map[string]ca.Profile{
		"default": {Description: "what everybody gets", ValidityPeriod: seconds},
	})
	p.roots.AddCert(authority.GetRootCert(0).Cert)
	validation := va.New(logger, httpPort, tlsPort, false, startResolver(t), store)
	front := wfe.New(logger, store, validation, authority, []string{"pebble.example.net"}, false, false, 1, 1)
	server := httptest.NewTLSServer(p.watch(front.Handler()))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.directory = server.URL + wfe.DirectoryPath
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(p.file, own, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *pebble) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(line)
}

func (p *pebble) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// watch notes the contacts of accounts that are made.
func (p *pebble) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var signed struct{ Payload string }
		var account struct{ Contact []string }
		if strings.HasPrefix(r.URL.Path, "/sign-me-up") && json.Unmarshal(body, &signed) == nil {
			if payload, err := base64.RawURLEncoding.DecodeString(signed.Payload); err == nil {
				_ = json.Unmarshal(payload, &account) // an unreadable one has no contact
			}
			p.mu.Lock()
			p.contacts = append(p.contacts, account.Contact)
			p.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// startResolver starts a name server that has every name at 127.0.0.1 and nothing else.
func startResolver(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // which is how Pebble asks
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		answer := new(dns.Msg).SetReply(r)
		if question := r.Question[0]; question.Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET},
				A:   net.IPv4(127, 0, 0, 1),
			}}
		}
		_ = w.WriteMsg(answer) // who asked is gone, or asks again
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return listener.Addr().String()
}
