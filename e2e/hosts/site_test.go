package hosts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"webstack/e2e/lab"
)

// site reaches the host at its public address under every name, as if all names led there.
type site struct {
	tb      testing.TB
	address string
	roots   *x509.CertPool
}

func newSite(tb testing.TB, c *lab.Clone) *site {
	tb.Helper()
	_, address := c.For(tb).Host()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(c.For(tb).CA()) {
		tb.Fatal("the authority's certificate cannot be read")
	}
	return &site{tb, address, roots}
}

// client opens a new connection for each request and follows no redirect.
func (s *site) client(config *tls.Config) *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: config, DisableKeepAlives: true,
			DialContext: lab.DialHost(s.address),
		},
	}
}

type answer struct {
	*http.Response
	body string
}

func (s *site) try(ctx context.Context, config *tls.Config, url string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	response, err := s.client(config).Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response, string(body)}, err
}

// get asks an app whose certificate must be of the stack's own authority.
func (s *site) get(url string) answer {
	s.tb.Helper()
	got, err := s.try(s.tb.Context(), &tls.Config{RootCAs: s.roots}, url)
	if err != nil {
		s.tb.Fatal(err)
	}
	return got
}

// answers returns nil if an app answers 200 over trusted TLS.
func (s *site) answers(ctx context.Context, name string) error {
	got, err := s.try(ctx, &tls.Config{RootCAs: s.roots}, "https://"+name+"/health")
	if err != nil {
		return err
	}
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %.200s", name, got.Status, got.body)
	}
	return nil
}

// watch requests names repeatedly, each time on a new connection, until the returned function is called, which returns
// the number of requests and the failures.
func (s *site) watch(names ...string) func() (requests int, failures []error) {
	ctx, cancel := context.WithCancel(s.tb.Context())
	var mu sync.Mutex
	var wait sync.WaitGroup
	var count int
	var failed []error
	for _, name := range names {
		wait.Go(func() {
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for ctx.Err() == nil {
				err := s.answers(ctx, name)
				mu.Lock()
				if ctx.Err() == nil {
					count++
					if err != nil {
						failed = append(failed, err)
					}
				}
				mu.Unlock()
				select {
				case <-pace.C:
				case <-ctx.Done():
				}
			}
		})
	}
	return func() (int, []error) {
		cancel()
		wait.Wait()
		return count, failed
	}
}
