package render

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"webstack/contract"
)

// server is a Caddy with a stack's Caddyfile. It is a process of its own, as on a host: this test's program, which
// becomes Caddy when caddyEnv is set.
type server struct {
	*host
	ports ports
	edits []string
	// upstream is the line of the Caddyfile that says where all apps are; "" means that proxyTo says it, for each app.
	upstream string
	// env is added to Caddy's environment.
	env []string
	// said is Caddy's output, pid its process.
	said text
	pid  int
}

// text is written and read at once by several.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(b)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

const caddyEnv = "WEBSTACK_TEST_RUNS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(caddyEnv) != "" {
		caddycmd.Main()
		return
	}
	// Otherwise Pebble, which runs in this process, would wait some seconds before it checks a challenge.
	if err := os.Setenv("PEBBLE_VA_NOSLEEP", "1"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// serve starts Caddy for a stack whose certificates come from its own authority. edits replace texts of the Caddyfile.
func serve(t testing.TB, s stack, edits ...string) *server {
	t.Helper()
	srv := &server{host: newHost(t, s.with("acme", "internal")), ports: freePorts(t), edits: edits}
	srv.start(t)
	return srv
}

func (s *server) start(t testing.TB) {
	t.Helper()
	upstream := cmp.Or(s.upstream, "to tcp/{file."+filepath.Join(s.dir, upstreamsDir)+"/{args[0]}}")
	s.write(t, contract.CaddyfilePath, s.localise(t, s.ports, append(slices.Clone(s.edits),
		"\t\t\tdynamic a {args[0]}.internal {args[1]} {\n\t\t\t\trefresh 1s\n\t\t\t\tversions ipv4\n\t\t\t}\n", "\t\t\t"+upstream+"\n")...))
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "run", "--config", s.paths.Caddyfile(), "--adapter", "caddyfile")
	cmd.Dir = filepath.Dir(s.paths.Caddyfile())
	cmd.Env = append(os.Environ(), caddyEnv+"=1", "HOME="+s.dir, "XDG_DATA_HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir)
	cmd.Env = append(cmd.Env, s.env...)
	cmd.Stdout, cmd.Stderr = &s.said, &s.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		err := <-ended
		if t.Failed() {
			t.Logf("Caddy ended with %v and said:\n%s", err, s.said.String())
		}
	})
	s.waitUntilReady(t, ended)
}

// waitUntilReady waits until every name of the stack has its certificate, which Caddy gets in the background.
func (s *server) waitUntilReady(t testing.TB, ended chan error) {
	t.Helper()
	names := []string{}
	for _, app := range s.apps {
		names = append(append(names, app.Domain), app.Aliases...)
	}
	eventually(t, "Caddy did not get ready", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatal("Caddy ended")
		default:
		}
		resp, err := s.admin().Get("http://127.0.0.1/config/")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return !slices.ContainsFunc(names, func(name string) bool { return !s.hasCertificate(name) })
	})
}

// hasCertificate reports whether Caddy shows a certificate for that name, and not the one for unknown names.
func (s *server) hasCertificate(name string) bool {
	conn, err := tls.Dial("tcp", s.httpsAddress(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].VerifyHostname(name) == nil
}

// eventually asks until the answer is yes, for at most a minute.
func eventually(t testing.TB, failure string, ask func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !ask() {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatal(failure)
		}
	}
}

func (s *server) httpsAddress() string { return "127.0.0.1:" + strconv.Itoa(s.ports.https) }

// reload sends the Caddyfile to the admin API, as the host program does.
func (s *server) reload(t testing.TB, header ...string) {
	t.Helper()
	caddyfile, err := os.Open(s.paths.Caddyfile())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = caddyfile.Close() }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/load", caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.admin().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, body)
	}
}

func (s *server) admin() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", s.adminSocket())
		},
	}}
}

// client reaches this Caddy under every name, and follows no redirect.
func (s *server) client(config *tls.Config) *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: config, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				port := s.ports.http
				if strings.HasSuffix(address, ":443") {
					port = s.ports.https
				}
				return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+strconv.Itoa(port))
			},
		},
	}
}

// trusting returns a TLS config that trusts only Caddy's own authority.
func (s *server) trusting(t testing.TB) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(s.dir, "data/pki/authorities/local/root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool}
}

type answer struct {
	*http.Response
	body string
}

func (s *server) get(t testing.TB, client *http.Client, url string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(body)}
}

// proxyTo makes an upstream of the app: a server that stands in for its container.
func (s *server) proxyTo(t testing.TB, app string, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	upstream := httptest.NewServer(handler)
	t.Cleanup(upstream.Close)
	s.point(t, app, upstream.URL)
	return upstream
}

func (s *server) point(t testing.TB, app, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	// By rename: Caddy reads the file at any time.
	path := upstreamsDir + "/" + app
	s.write(t, path+".new", []byte(net.JoinHostPort(u.Hostname(), u.Port())+"\n"))
	if err := os.Rename(filepath.Join(s.dir, path+".new"), filepath.Join(s.dir, path)); err != nil {
		t.Fatal(err)
	}
}

// upstreamsDir has a file for each app with the address of the server that stands in for its container. On a host, the
// name of the app leads there.
const upstreamsDir = "upstreams"
