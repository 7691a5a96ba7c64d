package status

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
	"webstack/host/database"
	"webstack/host/docker"
	"webstack/host/internal/commandtest"
	"webstack/host/internal/dockertest"
)

// bench is a made-up host. Its apps listen on this machine.
type bench struct {
	Options
	t        *testing.T
	run      *commandtest.Runner
	manifest contract.Manifest
	tls      *httptest.Server
	// containers are as `docker inspect` prints them.
	containers []map[string]any
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, run: &commandtest.Runner{}}
	b.tls = httptest.NewTLSServer(http.NotFoundHandler()) // its certificate is for example.com
	t.Cleanup(b.tls.Close)
	b.run.Set("docker", func(c commandtest.Call) (string, error) {
		switch c.Args[0] {
		case "version":
			return "29.1.3\n", nil
		case "ps":
			return strings.Repeat("id\n", len(b.containers)), nil
		}
		text, err := json.Marshal(b.containers)
		return string(text), err
	})
	root := t.TempDir()
	b.Options = Options{
		StackDir: filepath.Join(t.TempDir(), "stack"), Root: root,
		Engine:     &docker.Engine{Runner: b.run, Project: contract.ComposeProject, Proc: filepath.Join(root, "proc")},
		Postgres:   func(context.Context, contract.Manifest) (database.Usage, error) { return database.Usage{}, nil },
		Connect:    func(context.Context, string, string) error { return nil },
		Guarded:    func(context.Context) bool { return true },
		WebGuarded: func(_ context.Context, web contract.Web) bool { return web.Connections == 20 },
		TLS:        b.tls.Listener.Addr().String(),
	}
	b.manifest = contract.Manifest{
		Web:     contract.Web{Connections: 20, ConnectionsPerAddress: 5},
		Version: contract.Version, Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: b.StackDir,
		PostgresUser: "postgres", PostgresDefaultDb: "app",
	}
	return b
}

func (b *bench) write(path, text string) {
	b.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

// system writes what the kernel would say.
func (b *bench) system() {
	b.t.Helper()
	for name, text := range map[string]string{
		"/proc/uptime":  "100.50 200.00\n",
		"/proc/1/stat":  "1 (sys (temd) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4000 0 0\n",
		"/proc/meminfo": "MemTotal: 2048 kB\nMemAvailable: 1024 kB\nSwapTotal: 4 kB\nSwapFree: 3 kB\nHugePages_Total: 0\n",
		"/proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/root rw\n" +
			"2 1 259:1 / /var/lib/webstack rw - ext4 /dev/nvme1n1 rw\n",
		caddyAuthority:          "authority",
		contract.DataDir + "/x": "",
	} {
		b.write(filepath.Join(b.Root, name), text)
	}
}

// app adds an app that answers its health path with a status.
func (b *bench) app(name, domain string, answer int) {
	b.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/up" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(answer)
	}))
	b.t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	number, _ := strconv.Atoi(port)
	b.manifest.Apps = append(b.manifest.Apps, contract.ManifestApp{
		Name: name, Domain: domain, Port: number, HealthPath: "/up", Repository: "r.example.com/" + name, Database: name,
		MemoryMb: 64, StartTimeoutSeconds: 90, StopGraceSeconds: 10,
	})
	b.write(contract.Paths{StackDir: b.StackDir}.Manifest(), string(b.manifest.Encode()))
}

func (b *bench) container(service string, number int, image, status string) {
	b.containers = append(b.containers, map[string]any{
		"Id": fmt.Sprintf("%064x", len(b.containers)), "Name": "/" + dockertest.ContainerName(service, number), "RestartCount": 2,
		"State":      map[string]any{"Status": status, "StartedAt": "2026-01-31T03:15:00.123456789Z"},
		"HostConfig": map[string]any{"Memory": 64 << 20},
		"Config": map[string]any{"Image": image, "Labels": map[string]string{
			"com.docker.compose.project": contract.ComposeProject, "com.docker.compose.service": service,
		}},
		"NetworkSettings": map[string]any{"Networks": map[string]any{
			contract.ComposeProject + "_" + contract.EdgeNetwork: map[string]string{"IPAddress": "127.0.0.1"},
		}},
	})
}

func TestRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.system()
	b.app("blog", "blog.example.org", http.StatusOK)
	b.app("new", "new.example.org", http.StatusOK)
	b.app("shop", "example.com", http.StatusInternalServerError)
	b.container("caddy", 1, "caddy:2", "running")
	caddy := b.containers[0]
	caddy["State"].(map[string]any)["Health"] = map[string]string{"Status": "unhealthy"}
	caddy["NetworkSettings"] = map[string]any{"Ports": map[string]any{
		"443/udp": []map[string]string{{"HostIp": "0.0.0.0", "HostPort": "443"}, {"HostIp": "::", "HostPort": "443"}}, "80/tcp": nil,
	}}
	b.container("blog", 1, "r.example.com/blog:v1", "exited")
	b.container("shop", 1, "r.example.com/shop:v1", "running")
	b.container("shop", 2, "r.example.com/shop:v2@sha256:00", "running")
	b.containers[len(b.containers)-1]["NetworkSettings"] = map[string]any{"Networks": map[string]any{
		contract.ComposeProject + "_" + contract.EdgeNetwork: map[string]any{
			"IPAddress": "127.0.0.1", "IPAMConfig": map[string]string{"IPv4Address": "192.168.224.11"},
		},
	}}
	b.write(contract.Paths{StackDir: b.StackDir}.Hosts(), string(contract.Hosts{"shop": {Slot: 1}}.Text(contract.Manifest{}.Edge())))
	b.write(filepath.Join(b.Root, contract.MaintenanceDir, "blog.html"), "page")
	b.write(filepath.Join(b.Root, contract.RestoreRecordFile), `{"id": "20261130T031500Z", "app": "blog", "database": "blog"}`)
	b.write(filepath.Join(b.StackDir, contract.DeploysDir, "new", "running.json"),
		fmt.Sprintf(`{"deploy": %s, "pid": 99}`, contract.Deploy{At: time.Unix(1, 0).UTC(), Release: "v9"}.Encode()))
	leaf := b.tls.Certificate()
	b.write(filepath.Join(contract.Paths{StackDir: b.StackDir}.AppTLS("shop"), contract.CertFile),
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})))

	began := time.Now().Add(-time.Second)
	s := Read(t.Context(), b.Options)
	if up := s.At.Sub(s.Boot); s.At.Before(began) || up != time.Minute {
		t.Errorf("asked at %v, up for %v", s.At, up)
	}
	for _, disk := range s.Disks {
		if disk.Total <= 0 || disk.Free <= 0 || disk.Free > disk.Total {
			t.Errorf("disk: %+v", disk)
		}
	}
	if len(s.Disks) != 2 || s.Disks[1].Path != contract.DataDir {
		t.Errorf("disks: %+v", s.Disks)
	}
	s.At, s.Boot, s.Disks = time.Time{}, time.Time{}, nil
	since := time.Date(2026, 1, 31, 3, 15, 0, 0, time.UTC)
	service := func(name, state, health string) contract.ServiceStatus {
		return contract.ServiceStatus{Name: name, State: state, Health: health, Since: since, Restarts: 2, MemoryLimit: 64 << 20}
	}
	withPorts := service("caddy", "running", contract.HealthUnhealthy)
	withPorts.Ports = []string{"0.0.0.0:443/udp", "[::]:443/udp"}
	want := contract.Status{
		Version: contract.StatusVersion, Manifest: contract.Sum(b.manifest.Encode()), DataMounted: true, Docker: "29.1.3",
		Memory:        contract.MemoryStatus{Total: 2 << 20, Available: 1 << 20, SwapTotal: 4096, SwapFree: 3072},
		PostgresReady: true, Connections: &contract.ConnectionStatus{Guarded: true}, Authority: "authority",
		WebGuarded: true,
		Services:   []contract.ServiceStatus{withPorts, {Name: "postgres", Health: contract.HealthNone}},
		Apps: []contract.AppStatus{
			{ServiceStatus: service("blog", "exited", contract.HealthNone), Domain: "blog.example.org", Release: "v1",
				Maintenance: true, Restoring: "20261130T031500Z"},
			{ServiceStatus: contract.ServiceStatus{Name: "new", Health: contract.HealthNone}, Domain: "new.example.org",
				Deploying: "v9", DeployingSince: time.Unix(1, 0).UTC(), DeployKilled: true},
			{ServiceStatus: service("shop", "running", contract.HealthUnhealthy), Domain: "example.com",
				Release: "v2@sha256:00", Certificate: &contract.CertificateStatus{
					Own: true, Issuer: leaf.Issuer.String(), NotAfter: leaf.NotAfter.UTC(),
				}},
		},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestHealthyApp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app("shop", "shop.example.org", http.StatusNoContent)
	b.container("shop", 1, "r.example.com/shop:v1", "running")
	if s := Read(t.Context(), b.Options); s.Apps[0].Health != contract.HealthHealthy {
		t.Errorf("got %+v", s.Apps[0])
	}
	// One that has no address yet.
	b.containers[0]["NetworkSettings"] = map[string]any{}
	if s := Read(t.Context(), b.Options); s.Apps[0].Health != contract.HealthUnhealthy {
		t.Errorf("got %+v", s.Apps[0])
	}
}

// Of a host on which nothing works, the status still says what can be found out.
func TestHostInTrouble(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app("shop", "example.com", http.StatusOK)
	b.tls.Close()
	b.Postgres = func(context.Context, contract.Manifest) (database.Usage, error) {
		return database.Usage{}, errors.New("no connection")
	}
	b.run.Set("docker", func(commandtest.Call) (string, error) { return "", commandtest.Fail("docker", 1, "no engine") })
	s := Read(t.Context(), b.Options)
	if s.Docker != "" || s.PostgresReady || s.DataMounted || len(s.Disks) != 1 || len(s.Services) != 2 {
		t.Errorf("got %+v", s)
	}
	if app := s.Apps[0]; app.State != "" || app.Certificate != nil || app.Domain != "example.com" {
		t.Errorf("app: %+v", app)
	}
	b.write(contract.Paths{StackDir: b.StackDir}.Manifest(), "{")
	if s := Read(t.Context(), b.Options); s.Manifest != "" || len(s.Apps) != 0 || s.PostgresReady {
		t.Errorf("got %+v", s)
	}
	b.manifest.ExternalPostgres = true
	b.write(contract.Paths{StackDir: b.StackDir}.Manifest(), string(b.manifest.Encode()))
	if s := Read(t.Context(), b.Options); len(s.Services) != 1 || s.Services[0].Name != "caddy" {
		t.Errorf("services: %+v", s.Services)
	}
}

// What the kernel says of killed processes belongs to the container that it names.
func TestKilledForMemory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, app := range []string{"blog", "shop", "wiki"} {
		b.app(app, app+".example.org", http.StatusOK)
		b.container(app, 1, "r.example.com/"+app+":v1", "running")
	}
	b.containers[2]["State"].(map[string]any)["OOMKilled"] = true // the engine knows of one that the log has lost
	line := func(container string) string {
		return "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=docker-" + container + ".scope,mems_allowed=0," +
			"oom_memcg=/system.slice/docker-" + container + ".scope,task_memcg=/system.slice/docker-" + container +
			".scope,task=node,pid=4711,uid=0\n"
	}
	shop := b.containers[1]["Id"].(string)
	b.run.Set("journalctl", func(commandtest.Call) (string, error) {
		return line(shop) + line(strings.Repeat("f", 64)) + line(shop), nil
	})
	expect := func(want ...int) {
		t.Helper()
		for i, app := range Read(t.Context(), b.Options).Apps {
			if app.MemoryKills != want[i] || app.MemoryLimit != 64<<20 {
				t.Errorf("%s: killed %d times, want %d: %+v", app.Name, app.MemoryKills, want[i], app)
			}
		}
	}
	expect(0, 2, 1)
	b.run.Set("journalctl", func(commandtest.Call) (string, error) { return "", commandtest.Fail("journalctl", 1, "no journal") })
	expect(0, 0, 1)
	// A host that is a container reads the kernel's own log.
	b.run.Set("dmesg", func(commandtest.Call) (string, error) {
		return "[ 1.2] Memory cgroup out of memory: task_memcg= " + shop + "\n[ 1.3] " + line(shop), nil
	})
	expect(0, 1, 1)
	b.run.Set("journalctl", func(commandtest.Call) (string, error) { return "", nil })
	expect(0, 1, 1)
}

func TestWantedReleaseAndLastFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app("shop", "shop.example.org", http.StatusOK)
	b.container("shop", 1, "r.example.com/shop:v1", "exited")
	b.containers[0]["State"].(map[string]any)["ExitCode"] = 3
	last := contract.LastRun{
		Releases: map[string]string{"shop": "v2"}, FailedAt: time.Unix(1e9, 0).UTC(),
		Problems: []contract.Problem{{App: "shop", Error: "it ended", Lines: []string{"no database"}}},
	}
	b.write(contract.Paths{StackDir: b.StackDir}.LastRun(), string(last.Encode()))
	s := Read(t.Context(), b.Options)
	if app := s.Apps[0]; app.Release != "v1" || app.Wanted != "v2" || app.ExitCode != 3 {
		t.Errorf("got %+v", app)
	}
	if diff := cmp.Diff(last.Problems, s.Problems); diff != "" || !s.FailedAt.Equal(last.FailedAt) {
		t.Errorf("failed at %v (-want +got):\n%s", s.FailedAt, diff)
	}
}
