package laptop

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// write makes the file of the clone at dir.
func write(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(File(dir)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(File(dir), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer this-run" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, test := range map[string]struct {
		text    string
		running bool
	}{
		"running":                  {`{"aws": "http://127.0.0.1:1", "id": "this-run", "health": "` + server.URL + `", "later": 1}`, true},
		"another run has the port": {`{"id": "last-run", "health": "` + server.URL + `"}`, false},
		"killed":                   {`{"id": "this-run", "health": "` + gone.URL + `"}`, false},
		"never started":            {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if test.text != "" {
				write(t, dir, test.text)
			}
			found, err := Find(t.Context(), dir)
			if test.running && (err != nil || found.AWS != "http://127.0.0.1:1") {
				t.Errorf("found %+v, %v", found, err)
			}
			if !test.running && !errors.Is(err, ErrNotRunning) {
				t.Errorf("error %v, want that it is not running", err)
			}
		})
	}
}

func TestADamagedFileIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "{")
	if _, err := Find(t.Context(), dir); err == nil || !strings.Contains(err.Error(), File(dir)) {
		t.Errorf("error %v", err)
	}
}

func TestACancelledSearchSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, `{"health": "http://127.0.0.1:1"}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Find(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestOnlyAFileIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(File(dir)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(File(dir), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("error %v", err)
	}
}
