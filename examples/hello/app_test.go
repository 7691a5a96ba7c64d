package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a guestbook without a database.
type memory struct {
	mu      sync.Mutex
	visits  int64
	entries []entry
	broken  error
}

func (m *memory) Visit(context.Context) (int64, []entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.visits++
	return m.visits, m.entries, m.broken
}

func (m *memory) Write(_ context.Context, name, message string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken == nil {
		m.entries = append([]entry{{name, message, time.Unix(0, 0)}}, m.entries...)
	}
	return m.broken
}

func (m *memory) Check(context.Context) error { return m.broken }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// ask sends one request and returns the status and the body.
func ask(t *testing.T, a *app, method, target, form string, header ...string) (int, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form))
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	a.handler().ServeHTTP(answer, req)
	return answer.Code, answer.Body.String()
}

func TestPageShowsWhatWasSigned(t *testing.T) {
	t.Parallel()
	a := &app{log: quiet(), version: "1.2.3", guests: &memory{}}
	form := url.Values{"name": {" Ada "}, "message": {"<b>Hello</b> & welcome"}}.Encode()
	if status, body := ask(t, a, "POST", "https://shop.example.com/guestbook", form); status != http.StatusSeeOther {
		t.Fatalf("signing: status %d, %s", status, body)
	}
	status, body := ask(t, a, "GET", "https://shop.example.com/", "")
	if status != http.StatusOK {
		t.Fatalf("status %d, %s", status, body)
	}
	for _, want := range []string{
		`<h1 id="title">shop</h1>`, `<strong id="version">1.2.3</strong>`, `<strong id="visits">1</strong>`,
		"&lt;b&gt;Hello&lt;/b&gt; &amp; welcome", "Ada, ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, `id="problem"`) {
		t.Errorf("the page shows a problem:\n%s", body)
	}
}

func TestPageWithoutGuestbook(t *testing.T) {
	t.Parallel()
	broken := &memory{broken: errors.New("dial postgres as user s3cret")}
	for name, test := range map[string]struct {
		guests guestbook
		want   string
	}{
		"no database":             {nil, "Set DATABASE_URL"},
		"database out of reach":   {broken, "the database does not answer"},
		"without the cause in it": {broken, "The guestbook is closed"},
	} {
		status, body := ask(t, &app{log: quiet(), title: "Our blog", version: "1", guests: test.guests}, "GET", "/", "")
		if status != http.StatusOK || !strings.Contains(body, test.want) || !strings.Contains(body, "Our blog") {
			t.Errorf("%s: status %d\n%s", name, status, body)
		}
		if strings.Contains(body, "s3cret") || strings.Contains(body, "<form method") {
			t.Errorf("%s: the page shows the cause or a form\n%s", name, body)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	ending := &app{log: quiet(), guests: &memory{}}
	ending.ending.Store(true)
	for name, test := range map[string]struct {
		app  *app
		want int
	}{
		"database answers": {&app{log: quiet(), guests: &memory{}}, http.StatusOK},
		"no database":      {&app{log: quiet()}, http.StatusOK},
		"database is away": {&app{log: quiet(), guests: &memory{broken: errors.New("away")}}, http.StatusServiceUnavailable},
		"about to end":     {ending, http.StatusServiceUnavailable},
	} {
		if status, body := ask(t, test.app, "GET", "/health", ""); status != test.want {
			t.Errorf("%s: status %d, want %d: %s", name, status, test.want, body)
		}
	}
}

func TestRefusesWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	guests := &memory{}
	a := &app{log: quiet(), guests: guests}
	for name, form := range map[string]string{
		"no name":       "message=hello",
		"blank message": "name=Ada&message=+++",
		"long name":     "name=" + strings.Repeat("a", maxName+1) + "&message=hello",
		"long message":  "name=Ada&message=" + strings.Repeat("a", maxMessage+1),
		"NUL":           "name=Ada&message=a%00b",
		"no UTF-8":      "name=Ada&message=%ff",
		"bad escape":    "name=%zz",
		"huge":          "name=Ada&message=" + strings.Repeat("a", maxForm),
	} {
		if status, body := ask(t, a, "POST", "/guestbook", form); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %s", name, status, body)
		}
	}
	status, _ := ask(t, a, "POST", "/guestbook", "name=Ada&message=hello", "Sec-Fetch-Site", "cross-site")
	if status != http.StatusForbidden {
		t.Errorf("a form on another site: status %d", status)
	}
	if len(guests.entries) != 0 {
		t.Errorf("stored anyway: %v", guests.entries)
	}
	if status, _ := ask(t, &app{log: quiet()}, "POST", "/guestbook", "name=Ada&message=hi"); status != http.StatusServiceUnavailable {
		t.Errorf("without a database: status %d", status)
	}
}

func TestSlowIsBounded(t *testing.T) {
	t.Parallel()
	a := &app{log: quiet(), version: "7"}
	if status, body := ask(t, a, "GET", "/slow?ms=1", ""); status != http.StatusOK || !strings.Contains(body, "version 7") {
		t.Errorf("status %d, %s", status, body)
	}
	for _, ms := range []string{"", "-1", "1e3", "60001", "99999999999999999999"} {
		if status, _ := ask(t, a, "GET", "/slow?ms="+ms, ""); status != http.StatusBadRequest {
			t.Errorf("ms=%s: status %d", ms, status)
		}
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"shop.localhost:8443": "shop", "blog.example.com": "blog", "192.0.2.1": "hello", "192.0.2.1:80": "hello",
		"[2001:db8::1]:80": "hello", "localhost": "localhost", "": "hello",
	} {
		if got := (&app{}).titleFor(&http.Request{Host: host}); got != want {
			t.Errorf("host %q: title %q, want %q", host, got, want)
		}
	}
}

func TestStaticFilesAreServed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer((&app{log: quiet()}).handler())
	defer server.Close()
	for path, kind := range map[string]string{
		"style.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml",
	} {
		resp, err := server.Client().Get(server.URL + "/static/" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || len(body) == 0 || !strings.HasPrefix(resp.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %s %v, %d bytes", path, resp.Status, resp.Header, len(body))
		}
		if resp.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: no Content-Security-Policy", path)
		}
	}
}

// The app answers the configured health path, whatever it is, as it answers /health.
func TestHealthAtTheConfiguredPath(t *testing.T) {
	t.Parallel()
	for path, healthy := range map[string]int{
		"/healthz": http.StatusOK, "/api/up?deep=1": http.StatusOK, "/ws": http.StatusOK, "/caf%C3%A9": http.StatusOK,
	} {
		guests := &memory{}
		a := &app{log: quiet(), guests: guests, healthPath: path}
		if status, body := ask(t, a, "GET", path, ""); status != healthy {
			t.Errorf("%s: status %d, %s", path, status, body)
		}
		if status, body := ask(t, a, "GET", "/", ""); status != http.StatusOK || !strings.Contains(body, "<h1") {
			t.Errorf("with %s, the page: status %d, %s", path, status, body)
		}
		guests.broken = errors.New("no database")
		if status, _ := ask(t, a, "GET", path, ""); status != http.StatusServiceUnavailable {
			t.Errorf("%s without a database: status %d", path, status)
		}
	}
	if status, _ := ask(t, &app{log: quiet(), healthPath: "/"}, "GET", "/healthz", ""); status != http.StatusNotFound {
		t.Errorf("a path that nobody configured: status %d", status)
	}
	if status, body := ask(t, &app{log: quiet(), healthPath: "/"}, "GET", "/", ""); !strings.Contains(body, "<h1") {
		t.Errorf("the page at the default path: status %d, %s", status, body)
	}
}
