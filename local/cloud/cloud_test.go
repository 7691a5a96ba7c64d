package cloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"webstack/internal/atomicfile"
	"webstack/internal/laptop"
	"webstack/local/provider"
	"webstack/local/workdir"
)

// serveDir, if it is set, makes the test program a laptop cloud without parts, for that clone.
const serveDir = "WEBSTACK_TEST_SERVE_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(serveDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, workdir.Dir(dir), os.Stderr, noParts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func noParts(context.Context, workdir.Dir, *parts, *Info, *provider.Journal) error { return nil }

// buffer is a log that may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs a laptop cloud in this process and returns it with a channel for its error.
func start(t *testing.T, dir workdir.Dir, assemble assembly) (Info, <-chan error) {
	t.Helper()
	ended := make(chan error, 1)
	log := &buffer{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	finished := make(chan struct{})
	go func() {
		ended <- serve(ctx, dir, log, assemble)
		close(finished)
	}()
	t.Cleanup(func() { cancel(); <-finished })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if info, err := Find(t.Context(), dir); err == nil {
			return info, ended
		}
		if time.Now().After(deadline) || len(ended) > 0 {
			t.Fatalf("the cloud does not come up: %s", log)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestTheCloudIsFoundAskedAndStopped(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	var order []string
	info, ended := start(t, dir,
		func(_ context.Context, _ workdir.Dir, p *parts, info *Info, journal *provider.Journal) error {
			for _, name := range []string{"first", "second"} {
				p.start(name, func(ctx context.Context) error {
					<-ctx.Done()
					order = append(order, name)
					return ctx.Err()
				})
			}
			port, err := p.serveHTTP("the gateway", http.NotFoundHandler())
			info.AWS = port
			return err
		})
	if _, ok, err := info.Created(t.Context(), "urn:nothing"); err != nil || ok {
		t.Errorf("created of an unknown URN: %v, %v", ok, err)
	}
	resp, err := http.Get(info.AWSEndpoint())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the gateway answers %s", resp.Status)
	}
	stranger := info
	stranger.ID = "another life"
	if err := stranger.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "another laptop cloud") {
		t.Errorf("a stranger's stop: %v", err)
	}
	info.PID = 0 // this process continues
	if err := info.ask(t.Context(), http.MethodPost, "stop", nil); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if got := strings.Join(order, " "); got != "second first" {
		t.Errorf("parts stopped in the order %q", got)
	}
	if exists(dir.CloudFile()) || exists(dir.LocalEnv()) {
		t.Error("the files that lead to it are still there")
	}
	if _, err := Find(t.Context(), dir); !errors.Is(err, laptop.ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", err)
	}
}

func TestAPartThatDiesEndsTheCloudAndIsNamed(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	die := make(chan error)
	_, ended := start(t, dir, func(_ context.Context, _ workdir.Dir, p *parts, _ *Info, _ *provider.Journal) error {
		p.start("the emulator", func(ctx context.Context) error {
			select {
			case err := <-die:
				return err
			case <-ctx.Done():
				return nil
			}
		})
		return nil
	})
	die <- errors.New("signal: killed")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "run the emulator: signal: killed") {
		t.Errorf("ended with %v, want the part and its error", err)
	}
	if exists(dir.CloudFile()) {
		t.Error("cloud.json is still there")
	}
}

func TestACloneHasOneCloud(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	start(t, dir, noParts)
	err := serve(t.Context(), dir, &buffer{}, noParts)
	if err == nil || !strings.Contains(err.Error(), "is already running, as process") {
		t.Errorf("got %v, want a refusal", err)
	}
	start(t, workdir.Dir(t.TempDir()), noParts) // another clone may have its own
}

func TestStaleFilesAreIgnored(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	other, _ := start(t, workdir.Dir(t.TempDir()), noParts)
	for name, port := range map[string]int{"nobody answers": 1, "another cloud answers": other.Control} {
		stale := fmt.Sprintf(`{"pid": %d, "id": "stale", "control": %d}`, os.Getpid(), port)
		if err := atomicfile.Write(dir.CloudFile(), []byte(stale), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Find(t.Context(), dir); !errors.Is(err, laptop.ErrNotRunning) {
			t.Errorf("%s: got %v, want ErrNotRunning", name, err)
		}
	}
	start(t, dir, noParts)
}

func TestStartOutlivesItsCallerAndStopWaits(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	info, err := Start(t.Context(), dir, "/usr/bin/env", serveDir+"="+string(dir), os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if session, err := exec.Command("ps", "-o", "sess=", "-p", fmt.Sprint(info.PID)).Output(); err != nil ||
		strings.TrimSpace(string(session)) != fmt.Sprint(info.PID) {
		t.Errorf("session %s, %v; want its own, %d", session, err, info.PID)
	}
	if err := info.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(info.PID) {
		t.Errorf("process %d still runs", info.PID)
	}
}

func TestStartShowsWhyTheCloudDoesNotComeUp(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	_, err := Start(t.Context(), dir, "sh", "-c", "echo install Python 3 >&2; exit 1")
	if err == nil || !strings.Contains(err.Error(), "install Python 3") {
		t.Errorf("got %v, want the end of the log", err)
	}
}

func TestLocalEnvCanBeSourced(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(filepath.Join(t.TempDir(), "it's a $clone"))
	config := "config:\n  aws:region: eu-central-1\n"
	if err := atomicfile.Write(filepath.Join(string(dir), "Pulumi.local.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	info, _ := start(t, dir, func(_ context.Context, _ workdir.Dir, _ *parts, info *Info, _ *provider.Journal) error {
		info.AWS, info.DNS, info.LanguageHost = 4566, 5353, 7000
		info.Providers = map[string]int{"random": 3, "aws": 1, "cloudflare": 2}
		return nil
	})
	script := `. "$1" && printf '%s\n' "$PULUMI_BACKEND_URL" "$PULUMI_DEBUG_PROVIDERS" "$AWS_ENDPOINT_URL" ` +
		`"$AWS_REGION" "$AWS_DEFAULT_REGION" "$WEBSTACK_DNS_ADDR:$WEBSTACK_DNS_PORT" "${AWS_PROFILE-none}" ` +
		`"$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$CLOUDFLARE_API_TOKEN"`
	cmd := exec.Command("sh", "-euc", script, "sh", dir.LocalEnv())
	cmd.Env = append(os.Environ(), "AWS_PROFILE=production")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "file://" + dir.State() + "?metadata=skip\naws:1,cloudflare:2,random:3\nhttp://127.0.0.1:4566\n" +
		"eu-central-1\neu-central-1\n127.0.0.1:5353\nnone\n" +
		info.AccessKeyID + "\n" + info.SecretAccessKey + "\n" + info.CloudflareToken + "\n"
	if string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
}

// Each laptop cloud has keys of its own, which cannot be guessed or read by other users.
func TestKeysAreSecret(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2 {
		dir := workdir.Dir(t.TempDir())
		info, _ := start(t, dir, noParts)
		for _, key := range []string{info.AccessKeyID, info.SecretAccessKey, info.CloudflareToken, info.ID} {
			if len(key) < 20 || seen[key] {
				t.Errorf("the key %q is short, or another cloud's", key)
			}
			seen[key] = true
		}
		for _, path := range []string{dir.CloudFile(), dir.LocalEnv()} {
			if file, err := os.Stat(path); err != nil || file.Mode().Perm() != 0o600 {
				t.Errorf("%s can be read by others: %v, %v", path, file.Mode(), err)
			}
		}
	}
	dir := workdir.Dir(t.TempDir())
	if err := makeRun(dir); err != nil {
		t.Fatal(err)
	}
	if run, err := os.Stat(dir.Run()); err != nil || run.Mode().Perm() != 0o700 {
		t.Errorf("others may look into %s: %v, %v", dir.Run(), run.Mode(), err)
	}
}

// A web page that reaches a part is refused, and so is one whose name leads here.
func TestPartsAreNotForWebPages(t *testing.T) {
	t.Parallel()
	info, _ := start(t, workdir.Dir(t.TempDir()),
		func(_ context.Context, _ workdir.Dir, p *parts, info *Info, _ *provider.Journal) (err error) {
			info.AWS, err = p.serveHTTP("the gateway", http.NotFoundHandler())
			return err
		})
	for _, port := range []int{info.AWS, info.Control} {
		for name, tt := range map[string]struct {
			change func(*http.Request)
			status int
		}{
			"a page":         {func(r *http.Request) { r.Header.Set("Origin", "https://example.com") }, http.StatusForbidden},
			"a page's frame": {func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden},
			"a name":         {func(r *http.Request) { r.Host = "rebound.example.com" }, http.StatusMisdirectedRequest},
		} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/webstack/health", port), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+info.ID)
			tt.change(request)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != tt.status {
				t.Errorf("%s at port %d: %s, want %d", name, port, response.Status, tt.status)
			}
		}
	}
}

// The services for engines, which have no key, answer only this user.
func TestProvidersAreForTheirUser(t *testing.T) {
	t.Parallel()
	accepted := make(chan struct{}, 2)
	info, _ := start(t, workdir.Dir(t.TempDir()),
		func(_ context.Context, _ workdir.Dir, p *parts, info *Info, _ *provider.Journal) (err error) {
			info.LanguageHost, err = p.serveGRPC("the provider", func(ctx context.Context, l net.Listener) error {
				stop := context.AfterFunc(ctx, func() { _ = l.Close() })
				defer stop()
				for {
					conn, err := l.Accept()
					if err != nil {
						return ctx.Err()
					}
					accepted <- struct{}{}
					_ = conn.Close()
				}
			})
			return err
		})
	address := fmt.Sprintf("127.0.0.1:%d", info.LanguageHost)
	if runtime.GOOS == "linux" && os.Getuid() == 0 {
		command := exec.Command("bash", "-c", `exec 3<>"/dev/tcp/${0/://}" && cat <&3`, address)
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		_ = command.Run() // it ends when the other side has closed
		if len(accepted) > 0 {
			t.Error("another user was let in")
		}
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	<-accepted
}
