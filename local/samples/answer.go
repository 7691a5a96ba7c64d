package samples

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"webstack/internal/operate"
)

const (
	// answerPatience is how long an app may take to answer once its host reports that it is running.
	answerPatience = 2 * time.Minute
	answerPoll     = 200 * time.Millisecond
	answerTimeout  = 10 * time.Second
)

// Authority returns the certificate, in PEM, of the authority that Caddy on the host has created.
func Authority(ctx context.Context, s *operate.Stack, host operate.Host) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	for {
		status, err := s.Status(ctx, host, nil)
		if err == nil && status.Authority != "" {
			return []byte(strings.TrimSpace(status.Authority) + "\n"), nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read the certificate of the host's authority: %w",
				cmp.Or(err, errors.New("there is none")))
		case <-time.After(answerPoll):
		}
	}
}

// Visitor requests apps at a host's own address, whatever their names resolve to.
type Visitor struct {
	// Address is "address:port" of the host's HTTPS.
	Address string
	// Roots are the trusted authorities; nil means the system's.
	Roots *x509.CertPool
}

// Wait waits until url answers successfully over trusted TLS. If that takes too long, it returns the last error.
func (v Visitor) Wait(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	client := v.client()
	defer client.CloseIdleConnections()
	var last error
	for {
		err := ask(ctx, client, url)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil { // otherwise the error would only say that the time is over
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for an answer: %w", last)
		case <-time.After(answerPoll):
		}
	}
}

func (v Visitor) client() *http.Client {
	return &http.Client{
		Timeout:       answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: v.Roots},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, v.Address)
			},
		},
	}
}

func ask(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return fmt.Errorf("get %s: %s: %s", url, resp.Status, strings.TrimSpace(string(text)))
	}
	return nil
}
