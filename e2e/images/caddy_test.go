package images

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/contract"
)

func TestCaddyServesTheRenderedSites(t *testing.T) {
	t.Parallel()
	services, caddyfile := stack(t)
	caddy, image := services["caddy"], hubImage(t, contract.CaddyImage)
	etc, data := t.TempDir(), t.TempDir()
	for path, content := range map[string][]byte{
		"Caddyfile": caddyfile, "tls/shop/" + contract.CertificateFile: contract.AutomaticCertificate(),
		"sites/shop": contract.UnreleasedSite(),
	} {
		path = filepath.Join(etc, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	container := run(t, append(caddy.options(), "--publish", "127.0.0.1::80", "--publish", "127.0.0.1::443",
		"--volume", etc+":/etc/caddy:ro", "--volume", data+":/data"), image, caddy.Command...)
	eventually(t, "Caddy did not get ready", healthy(caddy, container))
	if version := docker(t, "exec", container, "caddy", "version"); !strings.HasPrefix(
		"caddy:"+strings.TrimPrefix(version, "v"), strings.TrimSuffix(contract.CaddyImage, "-alpine")+" ") {
		t.Errorf("the image %s holds Caddy %s", contract.CaddyImage, version)
	}
	root := docker(t, "exec", container, "wget", "-q", "-O", "-", "http://127.0.0.1:2020/")
	if root != "ok" {
		t.Errorf("the health check answers %q", root)
	}
	pool := x509.NewCertPool()
	eventually(t, "Caddy made no authority", func(context.Context) error {
		pem, err := os.ReadFile(filepath.Join(data, "caddy/pki/authorities/local/root.crt"))
		pool.AppendCertsFromPEM(pem)
		return err
	})
	https := address(t, container, "443")
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, https)
		},
	}}
	eventually(t, "the site does not answer", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://shop.localhost/", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "60" {
			t.Errorf("an app without a release answers %s %v", resp.Status, resp.Header)
		}
		return nil
	})
}
