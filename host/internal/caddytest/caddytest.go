// Package caddytest is as much of Caddy's admin API as the host program uses, on a Unix socket, for tests.
package caddytest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Caddy is a running admin API.
type Caddy struct {
	// Socket is where it listens.
	Socket string

	// Loading is called while a config is loaded.
	Loading func()

	mu      sync.Mutex
	loads   []Load
	refusal string
	down    bool
}

// Load is a config that was given to Caddy.
type Load struct {
	Caddyfile string
	// Force is true when Caddy was told to read certificates again.
	Force bool
}

// New starts an admin API that ends with the test.
func New(t *testing.T) *Caddy {
	// The name of a socket is short: the test's own directory may be too deep.
	dir, err := os.MkdirTemp("", "caddy") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	c := &Caddy{Socket: filepath.Join(dir, "admin.sock")}
	listener, err := net.Listen("unix", c.Socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: c}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = os.RemoveAll(dir)
	})
	return c
}

// Loads are the configs since the last time it was asked.
func (c *Caddy) Loads() []Load {
	c.mu.Lock()
	defer c.mu.Unlock()
	loads := c.loads
	c.loads = nil
	return loads
}

// Refuse makes it refuse every config with a reason, until the reason is "".
func (c *Caddy) Refuse(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusal = reason
}

// Down makes it close every connection, until down is false.
func (c *Caddy) Down(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *Caddy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		panic(http.ErrAbortHandler)
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /config/admin":
		_, _ = io.WriteString(w, "{}")
	case "POST /load":
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Content-Type") != "text/caddyfile" {
			http.Error(w, "not a Caddyfile", http.StatusBadRequest)
			return
		}
		if c.Loading != nil {
			c.Loading()
		}
		if c.refusal != "" {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": c.refusal})
			return
		}
		c.loads = append(c.loads, Load{string(body), r.Header.Get("Cache-Control") == "must-revalidate"})
	default:
		http.NotFound(w, r)
	}
}
