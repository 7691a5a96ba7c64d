package verify

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// site answers for the apps as Caddy does, on real connections.
type site struct {
	t     *testing.T
	ca    *issuer
	certs map[string]*tls.Certificate
	// pages are the answers by "scheme://name"; "*" is everybody else's.
	pages       map[string]http.HandlerFunc
	plain, safe string // addresses
	active      string // whose certificate unknown names are shown
	down        map[string]bool
}

func newSite(t *testing.T, now time.Time) *site {
	t.Helper()
	s := &site{t: t, ca: newIssuer(t, "Caddy Local Authority"), certs: map[string]*tls.Certificate{}, down: map[string]bool{}}
	s.active = "shop.example.com"
	for _, name := range []string{"shop.example.com", "www.shop.example.com", "blog.example.com"} {
		s.certs[name] = s.ca.issue(t, name, now.Add(-time.Hour), now.Add(90*24*time.Hour))
	}
	s.pages = map[string]http.HandlerFunc{
		"https://shop.example.com":     page(http.StatusOK),
		"https://www.shop.example.com": redirectTo("https://shop.example.com/"),
		"https://blog.example.com":     page(http.StatusServiceUnavailable),
		"http://shop.example.com":      redirectTo("https://shop.example.com/"),
		"http://blog.example.com":      redirectTo("https://blog.example.com/"),
		"http://" + publicAddress:      page(http.StatusOK),
		"http://*":                     page(http.StatusMisdirectedRequest),
	}
	plain := httptest.NewServer(s.serve("http"))
	safe := httptest.NewUnstartedServer(s.serve("https"))
	safe.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		for _, name := range []string{hello.ServerName, s.active} {
			if certificate, ok := s.certs[name]; ok {
				return certificate, nil
			}
		}
		return nil, errors.New("no certificate")
	}}
	safe.Config.ErrorLog = plain.Config.ErrorLog
	safe.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(safe.Close)
	s.plain, s.safe = plain.Listener.Addr().String(), safe.Listener.Addr().String()
	return s
}

func page(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func redirectTo(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusPermanentRedirect) }
}

func (s *site) serve(scheme string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle, ok := s.pages[scheme+"://"+strings.Split(r.Host, ":")[0]]
		if !ok {
			handle, ok = s.pages[scheme+"://*"]
		}
		if !ok {
			http.Error(w, "no page", http.StatusNotFound)
			return
		}
		handle(w, r)
	})
}

// dial leads the public address's ports to the site.
func (s *site) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to := map[string]string{
		publicAddress + ":80": s.plain, publicAddress + ":443": s.safe, proxyAddress + ":443": s.safe,
	}[address]
	if to == "" || s.down[address] {
		return nil, fmt.Errorf("dial %s %s: connection refused", network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

// issuer is a certificate authority.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newIssuer(t *testing.T, name string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-24 * time.Hour * 400), NotAfter: time.Now().Add(24 * time.Hour * 400),
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{certificate: certificate, key: key, pem: pemOf(der)}
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func (i *issuer) issue(t *testing.T, name string, from, to time.Time) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: to,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.certificate, key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// trusted is a system that trusts the site's authority.
func (s *site) trusted(t *testing.T) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.certificate)
	return pool
}
