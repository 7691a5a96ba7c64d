package apps

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"webstack/contract"
	"webstack/host/docker"
	"webstack/host/internal/caddytest"
	"webstack/host/internal/dockertest"
)

func TestFirstRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", ""))
	w.runOnly(map[string]string{"blog": image("blog", "v1")})
	if got := w.read(contract.HostsPath); !strings.Contains(got, "192.168.224.10  blog.internal") || strings.Contains(got, "shop") {
		t.Errorf("hosts: got %q", got)
	}
	if got := w.read(contract.SitesDir + "/blog"); got != string(contract.ReleasedSite()) {
		t.Errorf("blog: site %q", got)
	}
	if got := w.read(contract.SitesDir + "/shop"); got != string(contract.UnreleasedSite()) {
		t.Errorf("shop has no release and the site %q", got)
	}
	want := []caddytest.Load{{Caddyfile: "# blog shop\n"}}
	if got := w.caddy.Loads(); !slices.Equal(got, want) {
		t.Errorf("loaded %v", got)
	}
	w.unchanged(both("v1", ""))
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	shop := w.engine.Containers()[3]
	w.engine.Calls()
	w.caddy.Loads()
	w.runs(both("v2", "v1"))
	w.runOnly(map[string]string{"blog": image("blog", "v2"), "shop": image("shop", "v1")})
	want := []string{
		"pull " + image("blog", "v2"), "up makes webstack-blog-2", "stop webstack-blog-1", "rm webstack-blog-1",
	}
	if got := w.engine.Calls(); !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
	if got := w.caddy.Loads(); len(got) > 0 {
		t.Errorf("loaded %v, as if Caddy did not follow its hosts file", got)
	}
	if got := w.engine.Containers()[3]; got.ID != shop.ID {
		t.Error("the other app has another container")
	}
	w.unchanged(both("v2", "v1"))
}

func TestSwitchForSecretsAndDefinition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.engine.Calls()
	w.file("env/shop.env", "DATABASE_URL=\"other\"\n")
	w.runs(both("v1", "v1"))
	w.file(contract.ComposePath, strings.Replace(w.read(contract.ComposePath), "profiles: [blog]",
		"mem_limit: 512m\n    profiles: [blog]", 1))
	w.runs(both("v1", "v1"))
	want := []string{
		"up makes webstack-shop-2", "stop webstack-shop-1", "rm webstack-shop-1",
		"up makes webstack-blog-2", "stop webstack-blog-1", "rm webstack-blog-1",
	}
	if got := w.engine.Calls(); !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
	w.runOnly(map[string]string{"blog": image("blog", "v1"), "shop": image("shop", "v1")})
	w.unchanged(both("v1", "v1"))
}

func TestDefinitionInAnotherStyleIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.file(contract.ComposePath, "# a remark\n"+strings.ReplaceAll(w.read(contract.ComposePath), "'", "\""))
	w.unchanged(both("v1", "v1"))
}

func TestFailedSwitchKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arrange func(w *world)
		want    string
	}{
		"it ends": {func(w *world) {
			w.engine.Starts[image("blog", "v2")] = func(c *dockertest.Container) { c.Status, c.ExitCode = "exited", 3 }
		}, "exited before it answered (exited, exit code 3)"},
		"it restarts": {func(w *world) {
			w.engine.Handlers[image("blog", "v2")] = func(http.ResponseWriter, *http.Request) {
				w.engine.Change("webstack-blog-2", func(c *dockertest.Container) { c.Restarts++ })
				panic(http.ErrAbortHandler)
			}
			w.Timing.Second = 20 * time.Millisecond
		}, "exited before it answered"},
		"it has ended before anybody looked": {func(w *world) {
			w.Timing.Second = 5 * time.Millisecond
			w.engine.Starts[image("blog", "v2")] = func(c *dockertest.Container) { c.Restarts = 1 }
			w.engine.Handlers[image("blog", "v2")] = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }
		}, "exited before it answered (Docker has restarted it)"},
		"it ends again and again": {func(w *world) {
			w.engine.Handlers[image("blog", "v2")] = func(http.ResponseWriter, *http.Request) {
				w.engine.Change("webstack-blog-2", func(c *dockertest.Container) { c.Restarts++ })
				time.AfterFunc(20*time.Millisecond, func() {
					w.engine.Change("webstack-blog-2", func(c *dockertest.Container) { c.Status, c.ExitCode = "restarting", 7 })
				})
				panic(http.ErrAbortHandler)
			}
		}, "exited before it answered (restarting, exit code 7)"},
		"out of memory": {func(w *world) {
			w.engine.Starts[image("blog", "v2")] = func(c *dockertest.Container) {
				c.Status, c.ExitCode, c.OutOfMemory = "exited", 137, true
			}
		}, "it needed more than its 256 MiB of memory and was killed: increase memoryMb"},
		"other processor": {func(w *world) {
			w.engine.Platforms[image("blog", "v2")] = "linux/amd64"
			w.engine.Starts[image("blog", "v2")] = func(c *dockertest.Container) { c.Status, c.ExitCode = "exited", 255 }
		}, "built for linux/amd64, but this host is linux/arm64: build it with docker build --platform linux/arm64"},
		"no image for this processor": {func(w *world) {
			w.engine.Before = func(args []string) error {
				if args[0] == "pull" {
					return dockertest.Fail("no matching manifest for linux/arm64/v8 in the manifest list entries")
				}
				return nil
			}
		}, "this host is linux/arm64: build the image with docker build --platform linux/arm64"},
		"must be process 1": {func(w *world) {
			w.engine.Log[image("blog", "v2")] = "s6-overlay-suexec: fatal: can only run as pid 1\n"
			w.engine.Starts[image("blog", "v2")] = func(c *dockertest.Container) { c.Status, c.ExitCode = "exited", 100 }
		}, "set init: false for the app"},
		"only reachable from inside": {func(w *world) {
			w.Timing.Second = 5 * time.Millisecond
			w.listens("blog", "v2", "0100007F:0BB8 00000000:0000 0A", "0B00007F:9A2B 00000000:0000 0A")
		}, "the app listens only on 127.0.0.1:3000"},
		"another port": {func(w *world) {
			w.Timing.Second = 5 * time.Millisecond
			w.listens("blog", "v2", "00000000:1F90 00000000:0000 0A", "00000000:0BB8 00000000:0000 06")
		}, "the app listens on 0.0.0.0:8080: make it listen on port 3000"},
		"unwell": {func(w *world) {
			w.Timing.Second = 1
			w.engine.Handlers[image("blog", "v2")] = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }
		}, "not healthy after 10ns"},
		"redirects": {func(w *world) {
			w.Timing.Second = 5 * time.Millisecond
			w.engine.Handlers[image("blog", "v2")] = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "/login", http.StatusFound)
			}
		}, "answers 302 Found, not 2xx; if it only needs more time, increase startTimeoutSeconds"},
		"listens elsewhere": {func(w *world) {
			w.Timing.Second = 5 * time.Millisecond
			w.engine.Starts[image("blog", "v2")] = func(c *dockertest.Container) { c.NoNetwork = true }
		}, "no address on the network edge"},
		"no image": {func(w *world) {
			w.engine.Registry = nil
		}, "manifest unknown"},
		"does not start": {func(w *world) {
			w.engine.After = func(args []string) error {
				if args[0] == "compose" {
					return dockertest.Fail("exec /app: no such file")
				}
				return nil
			}
		}, "exec /app"},
		"no env file": {func(w *world) {
			if err := os.Remove(filepath.Join(w.dir, "env/blog.env")); err != nil {
				w.Fatal(err)
			}
		}, "no env file"},
		"bad release": {func(*world) {}, "neither TAG"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.runs(both("v1", "v1"))
			release := "v2"
			if name == "bad release" {
				release = "v2; rm -rf /"
			}
			test.arrange(w)
			// The other app goes on although it comes later.
			w.out.Reset()
			err := w.converge(both(release, "v1"))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "shop:") {
				t.Fatalf("got error %v, want one with %q", err, test.want)
			}
			w.runOnly(map[string]string{"blog": image("blog", "v1"), "shop": image("shop", "v1")})
			if strings.Contains(w.out.String(), "blog: starting "+image("blog", "v2")) &&
				(!strings.Contains(w.out.String(), "the last lines of webstack-blog-2") || strings.Contains(w.out.String(), "\x1b")) {
				t.Errorf("no last words, or raw ones, in\n%s", w.out.String())
			}
		})
	}
}

// listens makes a release refuse connections while the kernel shows these sockets in its container's network.
func (w *world) listens(app, release string, sockets ...string) {
	w.Docker.Proc = w.TempDir()
	table := "  sl  local_address rem_address   st\n"
	for i, socket := range sockets {
		table += fmt.Sprintf("   %d: %s 00000000:00000000 00:00000000 00000000  0  0 1 1\n", i, socket)
	}
	dir := filepath.Join(w.Docker.Proc, "4711", "net")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "tcp"), []byte(table), 0o644)); err != nil {
		w.Fatal(err)
	}
	dial := w.Dial
	w.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		for _, c := range w.engine.Containers() {
			if c.Image == image(app, release) {
				return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
			}
		}
		return dial(ctx, network, address)
	}
	w.engine.Starts[image(app, release)] = func(c *dockertest.Container) { c.PID = 4711 }
}

// Each app has its own limits.
func TestStartTimeoutOfEachApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Timing.Second = time.Millisecond
	w.Manifest.Apps[0].StartTimeoutSeconds, w.Manifest.Apps[1].StartTimeoutSeconds = 1, 60_000
	for _, app := range []string{"blog", "shop"} {
		asked := 0
		w.engine.Handlers[image(app, "v1")] = func(rw http.ResponseWriter, _ *http.Request) {
			if asked++; asked < 100 {
				rw.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	}
	err := w.run(both("v1", "v1"))
	if err == nil || !strings.Contains(err.Error(), "app blog: it is not healthy after 1ms") ||
		strings.Contains(err.Error(), "app shop") {
		t.Errorf("got error %v", err)
	}
	w.runOnly(map[string]string{"shop": image("shop", "v1")})
}

func TestFailureHasTheLastLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.Log[image("blog", "v1")] = "starting\n\x1b[31mno such database\n"
	w.engine.Starts[image("blog", "v1")] = func(c *dockertest.Container) { c.Status = "exited" }
	err := w.run(both("v1", "v1"))
	var failed *StartError
	if !errors.As(err, &failed) || !slices.Equal(failed.LastLines(), []string{"starting", "[31mno such database"}) {
		t.Errorf("got error %v with lines %q", err, failed.LastLines())
	}
}

// Without memory for two containers, the kernel would kill one.
func TestNoMemoryForTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.engine.Change("webstack-blog-1", func(c *dockertest.Container) { c.PID = 4711 })
	for name, text := range map[string]string{
		"proc/meminfo": "MemTotal: 500000 kB\nMemAvailable: 90000 kB\nSwapFree: 10000 kB\n", "proc/4711/cgroup": "0::/blog\n",
		"sys/fs/cgroup/blog/memory.current": "99000000\n",
	} {
		file := filepath.Join(w.Data, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	err := w.converge(both("v2", "v2"))
	if err == nil || !strings.Contains(err.Error(), "blog: start its container: the host has 97 MiB of memory left, and the live container uses 94 MiB") {
		t.Errorf("got error %v", err)
	}
	w.runOnly(map[string]string{"blog": image("blog", "v1"), "shop": image("shop", "v2")})
}

func TestKilledAtTheEndOfItsGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.engine.After = func(args []string) error {
		if args[0] == "stop" {
			w.engine.Change("webstack-blog-1", func(c *dockertest.Container) { c.ExitCode = 137 })
		}
		return nil
	}
	w.runs(both("v2", "v1"))
	if !strings.Contains(w.out.String(), "webstack-blog-1 was killed") || !strings.Contains(w.out.String(), "increase stopGraceSeconds") {
		t.Errorf("said\n%s", w.out.String())
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, release := range []string{"v1", "v2", "v3"} {
		w.engine.Volume[image("blog", release)] = true
	}
	w.engine.Starts[image("blog", "v3")] = func(c *dockertest.Container) { c.Status = "exited" }
	w.runs(both("v1", "v1"))
	w.runs(both("v2", "v1"))
	if w.run(both("v3", "v1")) == nil {
		t.Fatal("got no error")
	}
	if got := w.engine.Volumes(); len(got) != 1 {
		t.Errorf("after two switches and a failed one there are the volumes %v", got)
	}
	// What others have left, such as docker rm by hand, and a stack that had its own Postgres.
	w.engine.Leave([]string{"lost"}, []string{"db"})
	w.runs(both("v2", "v1"))
	if got := w.engine.Volumes(); len(got) != 1 || got[0] == "lost" {
		t.Errorf("there are the volumes %v", got)
	}
	if got := w.engine.Networks(); !slices.Equal(got, []string{"edge"}) {
		t.Errorf("there are the networks %v", got)
	}
	w.unchanged(both("v2", "v1"))
}

func TestImagesOfAnotherRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.Manifest.Apps[0].Repository = registry + "wiki"
	for _, release := range []string{"v1", "v2"} {
		w.runs(both(release, "v1"))
	}
	if got := w.engine.Images(); slices.Contains(got, image("blog", "v1")) {
		t.Errorf("images of the old repository are left: %v", got)
	}
}

func TestOtherAppsGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	err := w.converge(both("v9", "v2"))
	if err == nil || !strings.Contains(err.Error(), "blog") || strings.Contains(err.Error(), "shop:") {
		t.Errorf("got error %v", err)
	}
	w.runOnly(map[string]string{"blog": image("blog", "v1"), "shop": image("shop", "v2")})
}

func TestFailedImageIsKeptForTheNextTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.engine.Starts[image("blog", "v2")] = func(c *dockertest.Container) { c.Status = "exited" }
	if w.converge(both("v2", "v1")) == nil {
		t.Fatal("got no error")
	}
	if !slices.Contains(w.engine.Images(), image("blog", "v2")) {
		t.Error("it would be pulled for every try")
	}
}

func TestProbeIsLikeCaddys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var host, proto, path string
	w.engine.Handlers[image("blog", "v1")] = func(_ http.ResponseWriter, r *http.Request) {
		host, proto, path = r.Host, r.Header.Get("X-Forwarded-Proto"), r.URL.Path
	}
	w.runs(both("v1", ""))
	if host != "blog.example.com" || proto != "https" || path != "/health" {
		t.Errorf("asked %s for %s by %s", host, path, proto)
	}
}

// connections makes the kernel show so many connections from Caddy to port 3000 of a container.
func (w *world) connections(container string, n int) {
	w.Helper()
	w.Docker.Proc = w.TempDir()
	w.showConnections(n)
	w.engine.Change(container, func(c *dockertest.Container) { c.PID = 4711 })
}

// showConnections changes how many there are.
func (w *world) showConnections(n int) {
	w.Helper()
	from, err := w.caddyAddress(w.Context())
	if err != nil || !from.Is4() {
		w.Fatalf("Caddy's address is %v, %v", from, err)
	}
	b := from.As4()
	caddy := fmt.Sprintf("%02X%02X%02X%02X", b[3], b[2], b[1], b[0])
	const other = "0900000A:1000 01"
	table := "  sl  local_address rem_address   st\n   0: 0A00A8C0:0BB8 " + other + "\n   1: 0A00A8C0:0BB9 " + caddy + ":1000 01\n" +
		"   2: 00000000:0BB8 00000000:0000 0A\n   3: 0A00A8C0:0BB8 " + caddy + ":1000 06\n"
	for i := range n {
		table += fmt.Sprintf("   %d: 0A00A8C0:0BB8 %s:%04X %02d\n", i+4, caddy, i, []int{1, 8}[i%2])
	}
	dir := filepath.Join(w.Docker.Proc, "4711", "net")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "tcp"), []byte(table), 0o644)); err != nil {
		w.Fatal(err)
	}
}

// onLine calls do for each line that the host says.
type onLine struct {
	io.Writer
	do func(line string)
}

func (o onLine) Write(p []byte) (int, error) {
	o.do(string(p))
	return o.Writer.Write(p)
}

func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.connections("webstack-blog-1", 3)
	var drained atomic.Bool
	w.engine.Before = func(args []string) error {
		if args[0] == "stop" && !drained.Load() {
			t.Error("stopped with requests in flight")
		}
		return nil
	}
	w.Out = onLine{&w.out, func(line string) {
		if strings.Contains(line, "switched") {
			time.AfterFunc(20*w.Timing.Poll, func() {
				drained.Store(true)
				w.showConnections(0)
			})
		}
	}}
	w.runs(both("v2", "v1"))
	if !strings.Contains(w.out.String(), "blog: the old container has no requests left") {
		t.Errorf("said\n%s", w.out.String())
	}
	w.runOnly(map[string]string{"blog": image("blog", "v2"), "shop": image("shop", "v1")})
}

func TestDrainEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	// Ten seconds to drain pass at once; to start, a busy machine may take longer.
	for i := range w.Manifest.Apps {
		w.Manifest.Apps[i].StartTimeoutSeconds = 60_000
	}
	w.Timing.Second = w.Timing.Poll
	w.connections("webstack-blog-1", 2)
	w.runs(both("v2", "v1"))
	w.runOnly(map[string]string{"blog": image("blog", "v2"), "shop": image("shop", "v1")})
	if !strings.Contains(w.out.String(), "stopping it after 10ms, requests in flight: 2; if they need more time, increase drainTimeoutSeconds") {
		t.Errorf("said\n%s", w.out.String())
	}
}

// Caddy may send requests to the old container for a while after the switch.
func TestOldContainerStaysUntilCaddyFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.Timing.Follow = 300 * time.Millisecond
	var switched time.Time
	w.Out = onLine{&w.out, func(line string) {
		if strings.Contains(line, "switched") {
			switched = time.Now()
		}
	}}
	w.engine.Before = func(args []string) error {
		if args[0] == "stop" && time.Since(switched) < 200*time.Millisecond {
			t.Errorf("stopped %s after the switch", time.Since(switched))
		}
		return nil
	}
	w.runs(both("v2", "v1"))
	w.runOnly(map[string]string{"blog": image("blog", "v2"), "shop": image("shop", "v1")})
}

// No app ever gets an address that another app had.
func TestAddressesAreNotShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := map[int]string{}
	for i := range 30 {
		w.runs(both(fmt.Sprintf("v%d", i%3+1), fmt.Sprintf("v%d", i%2+1)))
		if i%5 == 4 { // all that the host remembers is lost
			_ = os.RemoveAll(filepath.Join(w.dir, "state"))
			if i%2 == 0 {
				_ = os.Remove(filepath.Join(w.dir, contract.HostsPath))
			}
		}
		for _, c := range w.engine.Containers() {
			if at, ok := w.edge().Address(c.Fixed); ok {
				if owner[at.Block] != "" && owner[at.Block] != c.Service {
					t.Fatalf("%s has the address %s of %s", c.Service, c.Fixed, owner[at.Block])
				}
				owner[at.Block] = c.Service
			} else if c.Service == "blog" || c.Service == "shop" {
				t.Fatalf("%s has no fixed address", c.Name)
			}
		}
	}
}

func TestMaintenance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.caddy.Loads()
	if err := w.Maintain(t.Context(), "shop", true, "Back <soon> & well"); err != nil {
		t.Fatal(err)
	}
	w.runs(both("v2", "v2"))
	if got := w.read(contract.SitesDir + "/shop"); got != string(contract.MaintenanceSite("shop")) {
		t.Errorf("after a deploy, the site is %q", got)
	}
	page, err := os.ReadFile(filepath.Join(w.Data, contract.MaintenanceDir, "shop.html"))
	if err != nil || !strings.Contains(string(page), "<p>Back &lt;soon&gt; &amp; well</p>") {
		t.Errorf("page: %s, %v", page, err)
	}
	if loads := w.caddy.Loads(); len(loads) != 1 {
		t.Errorf("Caddy loaded %d times", len(loads))
	}
	if on, err := w.InMaintenance("blog"); err != nil || on {
		t.Errorf("another app is in maintenance: %v, %v", on, err)
	}
	for range 2 {
		if err := w.Maintain(t.Context(), "shop", false, ""); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.read(contract.SitesDir + "/shop"); got != string(contract.ReleasedSite()) || len(w.caddy.Loads()) != 1 {
		t.Errorf("afterwards, the site is %q", got)
	}
	// An app that is gone takes its page along.
	if err := w.Maintain(t.Context(), "shop", true, "x"); err != nil {
		t.Fatal(err)
	}
	w.apps("blog")
	w.runs(map[string]string{"blog": "v2"})
	if on, err := w.InMaintenance("shop"); err != nil || on {
		t.Errorf("the page of an app that is gone stays: %v, %v", on, err)
	}
}

func TestHeals(t *testing.T) {
	t.Parallel()
	remove := func(w *world, name string) {
		for _, c := range w.engine.Containers() {
			if c.Name == name {
				if err := w.Docker.Remove(w.Context(), c.ID); err != nil {
					w.Fatal(err)
				}
			}
		}
	}
	exited := func(c *dockertest.Container) { c.Status, c.ExitCode = "exited", 137 }
	// Compose would start the stopped one too, and then there would be two.
	again := []string{"rm webstack-shop-1", "up makes webstack-shop-1"}
	for name, test := range map[string]struct {
		damage func(w *world)
		want   []string
	}{
		"killed app":  {func(w *world) { w.engine.Change("webstack-shop-1", exited) }, again},
		"removed app": {func(w *world) { remove(w, "webstack-shop-1") }, []string{"up makes webstack-shop-1"}},
		"paused app": {func(w *world) {
			w.engine.Change("webstack-shop-1", func(c *dockertest.Container) { c.Status = "paused" })
		}, again},
		"killed Postgres":   {func(w *world) { w.engine.Change("postgres", exited) }, []string{"up starts postgres"}},
		"removed Caddy":     {func(w *world) { remove(w, "caddy") }, []string{"up makes caddy"}},
		"removed hosts":     {func(w *world) { _ = os.Remove(filepath.Join(w.dir, contract.HostsPath)) }, []string{}},
		"emptied hosts":     {func(w *world) { w.file(contract.HostsPath, "") }, []string{}},
		"hosts of nobody":   {func(w *world) { w.file(contract.HostsPath, "192.168.230.17 shop.internal\n") }, []string{}},
		"hosts of another":  {func(w *world) { w.file(contract.HostsPath, "192.168.224.10 shop.internal\n") }, []string{}},
		"removed site":      {func(w *world) { _ = os.Remove(filepath.Join(w.dir, "caddy/sites/shop")) }, []string{}},
		"lost state":        {func(w *world) { _ = os.RemoveAll(filepath.Join(w.dir, "state")) }, []string{}},
		"broken state":      {func(w *world) { w.file("state/apps.json", "{"); w.file("state/caddy.json", "null") }, []string{}},
		"lost compose/.env": {func(w *world) { _ = os.Remove(filepath.Join(w.dir, "compose/.env")) }, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.runs(both("v1", "v1"))
			test.damage(w)
			w.engine.Calls()
			w.runs(both("v1", "v1"))
			if got := w.engine.Calls(); !slices.Equal(got, test.want) {
				t.Errorf("called %q, want %q", got, test.want)
			}
			w.runOnly(map[string]string{"blog": image("blog", "v1"), "shop": image("shop", "v1")})
			w.unchanged(both("v1", "v1"))
		})
	}
}

func TestRestartingAppIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.engine.Calls()
	w.engine.Change("webstack-shop-1", func(c *dockertest.Container) { c.Status, c.Restarts = "restarting", 7 })
	w.runs(both("v1", "v1"))
	if got := w.engine.Calls(); len(got) > 0 {
		t.Errorf("called %q", got)
	}
	if !strings.Contains(w.out.String(), "keeps exiting and restarting") {
		t.Errorf("said nothing of it: %s", w.out.String())
	}
	// Another release repairs it.
	w.runs(both("v1", "v2"))
	w.runOnly(map[string]string{"blog": image("blog", "v1"), "shop": image("shop", "v2")})
}

func TestOneOffContainersAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	if err := w.Docker.Up(t.Context(), "shop", upTwo(w)); err != nil {
		t.Fatal(err)
	}
	w.engine.Change("webstack-shop-2", func(c *dockertest.Container) { c.OneOff = true })
	w.unchanged(both("v1", "v1"))
	w.engine.Change("webstack-shop-2", func(c *dockertest.Container) { c.Status = "exited" })
	w.runs(both("v1", "v1"))
	for _, c := range w.engine.Containers() {
		if c.OneOff {
			t.Errorf("%s has ended and stays", c.Name)
		}
	}
}

// upTwo starts a second container of shop.
func upTwo(w *world) docker.UpOptions {
	at, err := w.freeAddress(w.Context(), "shop")
	if err != nil {
		w.Fatal(err)
	}
	return docker.UpOptions{Scale: 2, KeepExisting: true, Env: []string{contract.AddressVariable("shop") + "=" + w.edge().IP(at)}}
}

func TestWithdrawAndReleaseAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.runs(both("v1", ""))
	w.runOnly(map[string]string{"blog": image("blog", "v1")})
	if w.read("caddy/sites/shop") != string(contract.UnreleasedSite()) || strings.Contains(w.read(contract.HostsPath), "shop") {
		t.Error("requests still go to its container")
	}
	if !slices.Contains(w.engine.Images(), image("shop", "v1")) {
		t.Error("its image is gone; it could not be rolled back to")
	}
	w.unchanged(both("v1", ""))
	w.runs(both("v1", "v1"))
	w.runOnly(map[string]string{"blog": image("blog", "v1"), "shop": image("shop", "v1")})
}

func TestRemovedApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.caddy.Loads()
	w.apps("blog")
	blog := w.engine.Containers()[1].ID
	w.engine.Before = func(args []string) error {
		if args[0] == "stop" && len(w.caddy.Loads()) != 1 {
			t.Error("the container stops before Caddy has a config without the app")
		}
		return nil
	}
	w.runs(map[string]string{"blog": "v1"})
	w.engine.Before = nil
	w.runOnly(map[string]string{"blog": image("blog", "v1")})
	if w.engine.Containers()[0].ID != blog && w.engine.Containers()[1].ID != blog {
		t.Error("blog has another container")
	}
	for _, name := range []string{"caddy/sites/shop", "caddy/tls/shop", "env/shop.env"} {
		if _, err := os.Stat(filepath.Join(w.dir, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	if slices.Contains(w.engine.Images(), image("shop", "v1")) {
		t.Error("its image is left")
	}
	w.unchanged(map[string]string{"blog": "v1"})
}

func TestAddedApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	before := w.engine.Containers()
	w.caddy.Loads()
	w.apps("blog", "shop", "wiki")
	w.runs(map[string]string{"blog": "v1", "shop": "v1", "wiki": "v1"})
	for i, c := range w.engine.Containers()[:4] {
		if c.ID != before[i].ID || c.Status != "running" {
			t.Errorf("%s became %+v", before[i].Name, c)
		}
	}
	if got := w.caddy.Loads(); !slices.Equal(got, []caddytest.Load{{Caddyfile: "# blog shop wiki\n"}}) {
		t.Errorf("loaded %v", got)
	}
	w.unchanged(map[string]string{"blog": "v1", "shop": "v1", "wiki": "v1"})
}

func TestImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	digest := "v4@sha256:" + strings.Repeat("ab", 32)
	w.engine.Registry = append(w.engine.Registry, image("shop", digest), "other:1", "<lost>")
	w.runs(both("v1", "v1"))
	for _, more := range []string{"other:1", "<lost>"} {
		if err := w.Docker.Pull(t.Context(), more, func(error) {}); err != nil {
			t.Fatal(err)
		}
	}
	for _, release := range []string{digest, "v2", "v3"} {
		w.runs(both("v1", release))
		if release == "v2" && !slices.Contains(w.engine.Images(), image("shop", digest)) {
			t.Error("the release before, pulled by digest, is gone")
		}
	}
	want := []string{caddyImage, image("blog", "v1"), image("shop", "v2"), image("shop", "v3"), "other:1", postgresImage}
	slices.Sort(want)
	if got := w.engine.Images(); !slices.Equal(got, want) {
		t.Errorf("got images %q, want %q", got, want)
	}
}

func TestImageOfTwoApps(t *testing.T) {
	t.Parallel()
	keep := keptImages{"r/blog:v1": true, "r/blog sha256:1": true, " sha256:1": true, "r/wiki:v1@sha256:d": true}
	for image, want := range map[docker.Image]bool{
		{ID: "sha256:1", Repository: "r/blog", Tag: "v1"}:          true,
		{ID: "sha256:1", Repository: "r/blog", Digest: "sha256:c"}: true,
		{ID: "sha256:1"}: true,
		{ID: "sha256:1", Repository: "r/shop", Tag: "v1"}:                      false,
		{ID: "sha256:2", Repository: "r/blog", Tag: "v2"}:                      false,
		{ID: "sha256:3", Repository: "r/wiki", Tag: "v1", Digest: "sha256:d"}:  true,
		{ID: "sha256:4", Repository: "r/wiki", Tag: "v1", Digest: "sha256:e"}:  false,
		{ID: "sha256:3", Repository: "r/other", Tag: "v1", Digest: "sha256:d"}: false,
	} {
		if got := keep.has(image); got != want {
			t.Errorf("%+v: got %v", image, got)
		}
	}
}

func TestImageInUseIsNoFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.runs(both("v2", "v1"))
	w.engine.Before = func(args []string) error {
		if args[0] == "image" && args[1] == "rm" {
			return dockertest.Fail("conflict: image is being used by running container")
		}
		return nil
	}
	w.runs(both("v3", "v1"))
	if !strings.Contains(w.out.String(), "cannot remove image") {
		t.Errorf("said\n%s", w.out.String())
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	releases := both("v1", "v1")
	w.runs(releases)
	expect := func(what string, want ...caddytest.Load) {
		t.Helper()
		w.runs(releases)
		if got := w.caddy.Loads(); !slices.Equal(got, want) {
			t.Errorf("%s: loaded %v, want %v", what, got, want)
		}
		w.unchanged(releases)
	}
	w.caddy.Loads()
	expect("unchanged")
	w.file(contract.CaddyfilePath, "# new\n")
	expect("Caddyfile", caddytest.Load{Caddyfile: "# new\n"})
	w.file("caddy/tls/shop/Caddyfile", string(contract.OwnCertificate("shop")))
	w.file("caddy/tls/shop/tls.crt", "certificate")
	w.file("caddy/tls/shop/tls.key", "key")
	expect("own certificate", caddytest.Load{Caddyfile: "# new\n", Force: true})
	w.file("caddy/tls/shop/tls.crt", "renewed")
	expect("renewed certificate", caddytest.Load{Caddyfile: "# new\n", Force: true})
	w.engine.Change("caddy", func(c *dockertest.Container) { c.Status = "exited" })
	expect("restarted Caddy", caddytest.Load{Caddyfile: "# new\n"})
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.caddy.Refuse("tls.crt: no such file")
	w.file(contract.CaddyfilePath, "# bad\n")
	for range 2 {
		err := w.run(both("v1", "v2"))
		if err == nil || !strings.Contains(err.Error(), "tls.crt: no such file") || !strings.Contains(err.Error(), "keeps its current config") {
			t.Errorf("got error %v", err)
		}
	}
	// Apps get their release nevertheless.
	w.runOnly(map[string]string{"blog": image("blog", "v1"), "shop": image("shop", "v2")})
	w.caddy.Refuse("")
	w.runs(both("v1", "v2"))
	w.unchanged(both("v1", "v2"))
}

func TestLoadHoldsNewConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	for _, refusal := range []string{"", "bad", ""} {
		w.file(contract.CaddyfilePath, "# "+refusal+rand.Text())
		w.caddy.Refuse(refusal)
		loading := false
		w.caddy.Loading = func() {
			if loading = true; !w.engine.Held() {
				t.Error("loads while new connections come in")
			}
		}
		if err := w.run(both("v1", "v1")); (err != nil) != (refusal != "") {
			t.Error(err)
		}
		if !loading || w.engine.Held() {
			t.Errorf("loaded: %v; connections are held for good: %v", loading, w.engine.Held())
		}
	}
	// A Caddy that was restarted has the config already: there is nothing to hold.
	w.caddy.Loading = func() {
		if w.engine.Held() {
			t.Error("holds connections for nothing")
		}
	}
	w.engine.Change("caddy", func(c *dockertest.Container) { c.Status = "exited" })
	w.runs(both("v1", "v1"))
	w.caddy.Loading = nil
	w.engine.NoHold = true
	w.file(contract.CaddyfilePath, "# other")
	w.runs(both("v1", "v1"))
	if !strings.Contains(w.out.String(), "may fail") || len(w.caddy.Loads()) == 0 {
		t.Errorf("without iptables it says\n%s", w.out.String())
	}
}
