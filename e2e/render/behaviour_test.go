package render

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"webstack/contract"
)

// says answers with a text and what the app learns about the request.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "secret/1.0")
		w.Header().Set("Referrer-Policy", "no-referrer")
		_ = json.NewEncoder(w).Encode(map[string]any{"app": text, "host": r.Host, "uri": r.RequestURI, "header": r.Header})
	}
}

func TestCaddyServes(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	s.proxyTo(t, "shop", says("this is shop"))
	client := s.client(s.trusting(t))

	t.Run("an app", func(t *testing.T) {
		got := s.get(t, client, "https://shop.example.com/path?q=1")
		var seen struct {
			App, Host, URI string
		}
		if err := json.Unmarshal([]byte(got.body), &seen); err != nil {
			t.Fatalf("%s: %v", got.body, err)
		}
		if seen.App != "this is shop" || seen.Host != "shop.example.com" || seen.URI != "/path?q=1" {
			t.Errorf("got %+v", seen)
		}
		for name, want := range map[string]string{
			"Server": "", "Via": "", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Strict-Transport-Security": "",
		} {
			if got := got.Header.Get(name); got != want {
				t.Errorf("the visitor sees %s: %q, want %q", name, got, want)
			}
		}
	})
	t.Run("an app without a release", func(t *testing.T) {
		s.write(t, contract.SitesDir+"/blog", contract.UnreleasedSite())
		s.reload(t)
		got := s.get(t, client, "https://example.com/")
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "60" ||
			!strings.Contains(got.body, "not been deployed") {
			t.Errorf("got %s %v %q", got.Status, got.Header, got.body)
		}
	})
	t.Run("an app in maintenance", func(t *testing.T) {
		s.write(t, "maintenance/blog.html", []byte("<p>Back soon"))
		s.write(t, contract.SitesDir+"/blog", contract.MaintenanceSite("blog"))
		s.reload(t)
		for _, path := range []string{"/", "/any/path?q=1", "/blog.html", "/../shop"} {
			got := s.get(t, client, "https://example.com"+path)
			if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "60" ||
				got.Header.Get("Cache-Control") != "no-store" || got.body != "<p>Back soon" ||
				!strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: got %s %v %q", path, got.Status, got.Header, got.body)
			}
		}
		if got := s.get(t, client, "https://shop.example.com/"); got.StatusCode != http.StatusOK {
			t.Errorf("another app: %s", got.Status)
		}
	})
	t.Run("aliases", func(t *testing.T) {
		for _, alias := range []string{"www.example.com", "example.org"} {
			got := s.get(t, client, "https://"+alias+"/a/b?c=d")
			if location := got.Header.Get("Location"); got.StatusCode != http.StatusPermanentRedirect ||
				location != "https://example.com/a/b?c=d" {
				t.Errorf("%s: got %s to %q", alias, got.Status, location)
			}
		}
	})
	t.Run("http", func(t *testing.T) {
		for _, name := range []string{"shop.example.com", "example.com", "www.example.com"} {
			got := s.get(t, client, "http://"+name+"/x")
			location, _ := url.Parse(got.Header.Get("Location"))
			if got.StatusCode != http.StatusPermanentRedirect || location.Scheme != "https" || location.Hostname() != name ||
				location.Path != "/x" {
				t.Errorf("%s: got %s to %v", name, got.Status, location)
			}
		}
	})
	t.Run("unknown names and the bare address are shown the active app's certificate", func(t *testing.T) {
		for _, name := range []string{"unknown.example.net", "another.example.net", "127.0.0.1"} {
			got := s.get(t, s.client(&tls.Config{InsecureSkipVerify: true}), "https://"+name+"/")
			if names := got.TLS.PeerCertificates[0].DNSNames; !slices.Equal(names, []string{"shop.example.com"}) {
				t.Errorf("%s: is shown the certificate of %v", name, names)
			}
		}
	})
	t.Run("no certificate for unknown names", func(t *testing.T) {
		certs, err := filepath.Glob(filepath.Join(s.dir, "data/certificates/*/*"))
		if err != nil {
			t.Fatal(err)
		}
		for i, path := range certs {
			certs[i] = filepath.Base(path)
		}
		if want := []string{"example.com", "example.org", "shop.example.com", "www.example.com"}; !slices.Equal(certs, want) {
			t.Errorf("there are certificates for %v, want %v", certs, want)
		}
	})
	t.Run("the health check, inside only", func(t *testing.T) {
		got := s.get(t, http.DefaultClient, fmt.Sprintf("http://127.0.0.1:%d/", s.ports.health))
		if got.StatusCode != http.StatusOK || got.body != "ok" {
			t.Errorf("got %s %q", got.Status, got.body)
		}
	})
	t.Run("the admin API, to its owner only", func(t *testing.T) {
		info, err := os.Stat(s.adminSocket())
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("the socket's mode is %v", info.Mode())
		}
	})
}

func TestCaddyWithoutApps(t *testing.T) {
	t.Parallel()
	s := serve(t, stack{})
	got := s.get(t, s.client(nil), "http://192.0.2.1/")
	if got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.body, "No app") {
		t.Errorf("got %s %q", got.Status, got.body)
	}
}

func TestCaddyOwnCertificate(t *testing.T) {
	t.Parallel()
	s := &server{
		host: newHost(t, twoApps().with("acme", "internal").with("activeApp", "blog")), ports: freePorts(t),
	}
	own := s.ownCertificate(t, "blog", "example.com", "www.example.com")
	s.start(t)
	for name, wantOwn := range map[string]bool{
		"example.com": true, "www.example.com": true, "example.org": false, "shop.example.com": false,
		"unknown.example.net": true, "127.0.0.1": true,
	} {
		got := s.get(t, s.client(&tls.Config{InsecureSkipVerify: true}), "https://"+name+"/")
		if isOwn := got.TLS.PeerCertificates[0].Equal(own); isOwn != wantOwn {
			t.Errorf("%s: own certificate %t, want %t", name, isOwn, wantOwn)
		}
	}
	// A renewed certificate has other files and the same config.
	renewed := s.ownCertificate(t, "blog", "example.com", "www.example.com")
	s.reload(t, "Cache-Control", "must-revalidate")
	got := s.get(t, s.client(&tls.Config{InsecureSkipVerify: true}), "https://example.com/")
	if !got.TLS.PeerCertificates[0].Equal(renewed) {
		t.Error("the renewed certificate is not served after a forced reload")
	}
}

func TestCaddyHoldsRequestsWhileAContainerRestarts(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	s.point(t, "shop", "http://"+address)
	sent := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://shop.example.com/", strings.NewReader("order"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		resp, err := s.client(s.trusting(t)).Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
		}
		done <- err
	}()
	<-sent
	l, err = net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	app := &http.Server{Handler: says("back again"), ReadHeaderTimeout: time.Minute}
	go func() { _ = app.Serve(l) }()
	defer func() { _ = app.Close() }()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestCaddyAppThatIsDown(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps(), "lb_try_duration 10s", "lb_try_duration 100ms")
	upstream := s.proxyTo(t, "shop", says(""))
	upstream.Close()
	got := s.get(t, s.client(s.trusting(t)), "https://shop.example.com/")
	if got.StatusCode != http.StatusBadGateway || got.Header.Get("Retry-After") != "10" ||
		!strings.Contains(got.body, "is not responding") || got.Header.Get("Server") != "" {
		t.Errorf("got %s %v %q", got.Status, got.Header, got.body)
	}
}

// A deploy points the app's upstream at another container. Visitors must not notice.
func TestCaddySwitchesContainers(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	release, entered := make(chan struct{}), make(chan struct{})
	s.proxyTo(t, "shop", func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "old")
	})
	client := s.client(s.trusting(t))
	inFlight := make(chan answer, 1)
	go func() { inFlight <- s.get(t, client, "https://shop.example.com/") }()
	<-entered

	s.proxyTo(t, "shop", says("new"))

	if got := s.get(t, client, "https://shop.example.com/"); !strings.Contains(got.body, "new") {
		t.Errorf("a new request went to the old container: %q", got.body)
	}
	close(release)
	if got := <-inFlight; got.StatusCode != http.StatusOK || got.body != "old" {
		t.Errorf("the request in flight got %s %q", got.Status, got.body)
	}
}

func TestCaddySwitchesContainersUnderLoad(t *testing.T) {
	t.Parallel()
	const switches, workers = 20, 3
	s := serve(t, twoApps())
	s.proxyTo(t, "shop", says("release 0"))
	stop := make(chan struct{})
	failures := make(chan error, workers)
	var served atomic.Int64
	for range workers {
		client := s.client(s.trusting(t))
		go func() {
			for {
				select {
				case <-stop:
					failures <- nil
					return
				default:
				}
				resp, err := client.Get("https://shop.example.com/")
				if err == nil {
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						err = errors.New(resp.Status)
					}
				}
				if err != nil {
					failures <- err
					return
				}
				served.Add(1)
			}
		}()
	}
	for i := range switches {
		before := served.Load()
		s.proxyTo(t, "shop", says("release "+strconv.Itoa(i+1)))
		eventually(t, "no request is served", func() bool { return served.Load() > before+workers })
	}
	close(stop)
	for range workers {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
}

// A change of the Caddyfile or of a certificate needs a reload. WebSockets must outlive it.
func TestCaddyReloadKeepsWebSockets(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	s.proxyTo(t, "blog", echo)
	socket := s.upgrade(t, "example.com")
	defer func() { _ = socket.conn.Close() }()
	socket.say(t, "before")
	s.reload(t, "Cache-Control", "must-revalidate")
	socket.say(t, "after")
}

// echo takes over the connection, as a WebSocket does, and sends every line back.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	for rw.Flush() == nil {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = rw.WriteString(line)
	}
}

type socket struct {
	conn net.Conn
	r    *bufio.Reader
}

func (s *server) upgrade(t *testing.T, name string) *socket {
	t.Helper()
	config := s.trusting(t)
	config.ServerName = name
	conn, err := tls.Dial("tcp", s.httpsAddress(), config)
	if err != nil {
		t.Fatal(err)
	}
	request := "GET / HTTP/1.1\r\nHost: " + name + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(errors.New(resp.Status))
	}
	_ = resp.Body.Close()
	return &socket{conn, r}
}

func (s *socket) say(t *testing.T, text string) {
	t.Helper()
	if err := s.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(s.conn, text+"\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := s.r.ReadString('\n'); err != nil || line != text+"\n" {
		t.Errorf("said %q, heard %q, %v", text, line, err)
	}
}
