package apps

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// client reaches Caddy under every name. Its certificates are from its own authority.
func (h *host) client(keepAlive bool) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: !keepAlive, ForceAttemptHTTP2: keepAlive,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, h.address(true))
			},
		},
	}
}

// get asks an app for a path; an answer other than 200 is an error.
func get(ctx context.Context, client *http.Client, app, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+app+".localhost"+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", app, resp.Status, body)
	}
	return strings.TrimSpace(string(body)), err
}

// answers waits until an app is served in a version, certificates included.
func (h *host) answers(app, version string) {
	h.Helper()
	client := h.client(false)
	eventually(h.T, app+" does not answer as "+version, func() error {
		got, err := get(h.Context(), client, app, "/version")
		if err == nil && got != version {
			err = fmt.Errorf("it is %q", got)
		}
		return err
	})
}

// status returns the status code of an app's front page.
func (h *host) status(app string) int {
	h.Helper()
	resp, err := h.client(false).Get("https://" + app + ".localhost/")
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

// visitors request apps without a pause until they are stopped.
type visitors struct {
	t      *testing.T
	stop   context.CancelFunc
	ended  sync.WaitGroup
	asked  atomic.Int64
	failed atomic.Int64
}

// visit starts two visitors of each app: one with persistent connections, and one with a new connection for each
// request.
func (h *host) visit(names ...string) *visitors {
	ctx, cancel := context.WithCancel(h.Context())
	v := &visitors{t: h.T, stop: cancel}
	for _, app := range names {
		for _, keepAlive := range []bool{true, false} {
			client := h.client(keepAlive)
			v.ended.Go(func() {
				for ctx.Err() == nil {
					// A request that has begun may finish.
					_, err := get(context.WithoutCancel(ctx), client, app, "/version")
					v.asked.Add(1)
					if err != nil && v.failed.Add(1) < 5 {
						v.t.Errorf("a visitor with keep-alive %v: %v", keepAlive, err)
					}
				}
			})
		}
	}
	return v
}

// wentWell stops the visitors and checks that all their requests were answered.
func (v *visitors) wentWell() {
	v.t.Helper()
	v.stop()
	v.ended.Wait()
	asked, failed := v.asked.Load(), v.failed.Load()
	if asked < 20 {
		v.t.Errorf("there were only %d requests", asked)
	}
	v.t.Logf("%d requests, %d failed", asked, failed)
}
