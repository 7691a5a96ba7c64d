package authority

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
)

// get asks a server under a name, trusting an authority.
func get(t *testing.T, server *httptest.Server, name string, trusted *Authority) error {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(trusted.PEM()) {
		t.Fatal("the authority's certificate cannot be read")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name}}}
	t.Cleanup(client.CloseIdleConnections)
	response, err := client.Get(server.URL)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func TestCertificatesAreTrustedForTheirNames(t *testing.T) {
	t.Parallel()
	own, err := New("own")
	if err != nil {
		t.Fatal(err)
	}
	other, err := New("other")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = nil
	server.TLS = own.Config(func(name string) bool { return name == "registry.example" })
	server.StartTLS()
	t.Cleanup(server.Close)
	for range 2 { // the second one is the same certificate
		if err := get(t, server, "registry.example", own); err != nil {
			t.Errorf("a name that is served: %v", err)
		}
	}
	if err := get(t, server, "other.example", own); err == nil {
		t.Error("a name that is not served has a certificate")
	}
	if err := get(t, server, "registry.example", other); err == nil {
		t.Error("another authority's certificate is trusted")
	}
}

func TestCertificatesForServersElsewhere(t *testing.T) {
	t.Parallel()
	own, err := New("own")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"169.254.171.1", "db.example"} {
		certificate, key, err := own.Certificate(name)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		server.StartTLS()
		t.Cleanup(server.Close)
		if err := get(t, server, name, own); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := get(t, server, "169.254.171.2", own); err == nil {
			t.Errorf("the certificate of %s is good for another one", name)
		}
	}
}
