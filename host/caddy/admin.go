package caddy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxAnswer limits how much of an answer is read, in bytes.
const maxAnswer = 4 << 20

// Admin is the admin API of one Caddy.
type Admin struct {
	// Socket is the path of its Unix socket: contract.CaddyAdminSocket on a host.
	Socket string
}

// Ready checks that Caddy answers, which it does once its config is in place.
func (a Admin) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := a.call(ctx, http.MethodGet, "/config/admin", nil, nil); err != nil {
		return fmt.Errorf("ask Caddy whether it is ready: %w", err)
	}
	return nil
}

// Load gives Caddy a new Caddyfile. Its imports are relative to the directory that Caddy runs in. If Caddy cannot use
// it, the error has Caddy's message, and Caddy keeps its current config. Loading the same config again has no effect
// unless force is set: then Caddy also reads certificates from their files again.
func (a Admin) Load(ctx context.Context, caddyfile []byte, force bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	header := http.Header{"Content-Type": {"text/caddyfile"}}
	if force {
		header.Set("Cache-Control", "must-revalidate")
	}
	if err := a.call(ctx, http.MethodPost, "/load", header, caddyfile); err != nil {
		return fmt.Errorf("load the Caddyfile: %w", err)
	}
	return nil
}

// call makes one request, which must get a 2xx answer. Every call has its own connection, because Caddy closes
// the API's listener when it loads a config.
func (a Admin) call(ctx context.Context, method, path string, header http.Header, body []byte) error {
	// The host in the URL has no meaning.
	req, err := http.NewRequestWithContext(ctx, method, "http://caddy"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", a.Socket)
		},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("caddy answered %s: %s", resp.Status, reason(answer))
	}
	return nil
}

// reason returns Caddy's message about an error.
func reason(answer []byte) string {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &said) == nil && said.Error != "" {
		return said.Error
	}
	return strings.TrimSpace(string(answer[:min(len(answer), 500)]))
}
