package status

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"webstack/contract"
	"webstack/host/docker"
)

// patience is how long one answer may take.
const patience = 3 * time.Second

// certificate returns the certificate that Caddy serves for an app's domain.
func (r *reader) certificate(ctx context.Context, app contract.ManifestApp) *contract.CertificateStatus {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// It is inspected, not trusted: certificates of Caddy's own authority should be shown too.
	dialer := tls.Dialer{Config: &tls.Config{ServerName: app.Domain, InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", r.TLS)
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(shown) == 0 || shown[0].VerifyHostname(app.Domain) != nil {
		// For an app without a certificate yet, Caddy serves another app's.
		return nil
	}
	s := &contract.CertificateStatus{Issuer: shown[0].Issuer.String(), NotAfter: shown[0].NotAfter.UTC()}
	text, err := os.ReadFile(filepath.Join(r.paths().AppTLS(app.Name), contract.CertFile))
	if own, _ := pem.Decode(text); err == nil && own != nil {
		s.Own = string(own.Bytes) == string(shown[0].Raw)
	}
	return s
}

// health checks the app itself: its container has no health check.
func (r *reader) health(ctx context.Context, app contract.ManifestApp, c docker.Container) string {
	address := c.Addresses[contract.EdgeNetwork]
	if address == "" {
		return contract.HealthUnhealthy
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	url := "http://" + net.JoinHostPort(address, strconv.Itoa(app.Port)) + app.HealthPath
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return contract.HealthUnhealthy
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return contract.HealthUnhealthy
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return contract.HealthUnhealthy
	}
	return contract.HealthHealthy
}
