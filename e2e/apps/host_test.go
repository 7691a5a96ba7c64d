package apps

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"webstack/appcompose/render"
	"webstack/config"
	"webstack/contract"
	"webstack/host/apps"
	"webstack/host/caddy"
	"webstack/host/command"
	"webstack/host/docker"
	"webstack/internal/gobuild"
	"webstack/internal/tooltest"
	program "webstack/stack"
)

// host is a stack directory with its containers on this computer's engine.
type host struct {
	*testing.T `json:"-"`
	// Dir is the stack directory, Project the Compose project, Images the registry of the apps, each
	// test's own. No registry answers there: the images are on the engine already.
	Dir, Project, Images string
	// HTTP and HTTPS are Caddy's ports on 127.0.0.1.
	HTTP, HTTPS int
	// Edge is the subnet of the apps, each test's own: they share an engine.
	Edge string
	// Manifest is the one of the bundle.
	Manifest contract.Manifest
}

// newHost makes a stack directory for these apps; nothing runs yet. It is removed when the test ends.
func newHost(t *testing.T, names ...string) *host {
	t.Helper()
	needEngine(t)
	project := "webstack-test-" + strings.ToLower(rand.Text()[:8])
	h := &host{T: t, Dir: t.TempDir(), Project: project, Images: project + ".invalid:5000/", HTTP: freePort(t), HTTPS: freePort(t),
		Edge: fmt.Sprintf("10.%d.%d.0/19", 128+mathrand.IntN(128), 32*mathrand.IntN(8))}
	t.Cleanup(h.remove)
	if err := os.MkdirAll(filepath.Join(h.Dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	h.buildImages("v1", "v2", "v3", "broken")
	h.render(names...)
	return h
}

// render writes the bundle for these apps, their env files, and which certificates they have.
func (h *host) render(names ...string) {
	h.Helper()
	list := map[string]any{}
	for _, name := range names {
		list[name] = map[string]any{"domain": name + ".localhost", "containerPort": 3000, "healthPath": "/health"}
	}
	text, err := json.Marshal(list)
	if err != nil {
		h.Fatal(err)
	}
	c, err := config.Load("dev", map[string]string{
		config.Namespace + ":apps": string(text), config.Namespace + ":acme": "internal",
		config.Namespace + ":enableExternalPostgres": "true",
	})
	if err != nil {
		h.Fatal(err)
	}
	in := program.RenderInput(c, "webstack", "dev", "eu-central-1", "123456789012")
	in.EdgeSubnet = h.Edge
	for i := range in.Apps {
		in.Apps[i].Repository = h.Images + in.Apps[i].Name
	}
	for _, name := range names {
		env, err := contract.AppEnv(map[string]string{"SITE_TITLE": name})
		if err != nil {
			h.Fatal(err)
		}
		h.write(contract.EnvDir+"/"+name+".env", env)
		h.write(contract.TLSDir+"/"+name+"/"+contract.CertificateFile, contract.AutomaticCertificate())
	}
	r, err := render.Render(in)
	if err != nil {
		h.Fatal(err)
	}
	if h.Manifest, err = r.Manifest(); err != nil {
		h.Fatal(err)
	}
	published := func(inside, outside int) []string {
		return []string{
			fmt.Sprintf("        published: \"%d\"\n", inside),
			fmt.Sprintf("        published: \"%d\"\n        host_ip: 127.0.0.1\n", outside),
		}
	}
	h.write(contract.ComposePath, h.edit(r.Compose, slices.Concat([]string{
		"name: webstack\n", "name: " + h.Project + "\n",
		"container_name: caddy", "container_name: " + h.Project + "-caddy",
		"source: " + contract.CaddyDataDir, "source: " + h.Dir + "/data",
		contract.CaddyImage, h.Images + "caddy:v1",
	}, published(80, h.HTTP), published(443, h.HTTPS))...))
	h.write(contract.CaddyfilePath, r.Caddyfile)
}

// edit replaces texts, each of which must exist.
func (h *host) edit(content []byte, edits ...string) []byte {
	h.Helper()
	text := string(content)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			h.Fatalf("the file has no %q:\n%s", edits[i], text)
		}
		text = strings.ReplaceAll(text, edits[i], edits[i+1])
	}
	return []byte(text)
}

func (h *host) write(name string, content []byte) {
	h.Helper()
	path := filepath.Join(h.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.Fatal(err)
	}
	// By rename, as the host program does.
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		h.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		h.Fatal(err)
	}
}

// converge runs the host program's convergence, and returns its output.
func (h *host) converge(ctx context.Context, out io.Writer, releases map[string]string) error {
	root, err := os.OpenRoot(h.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	a := &apps.Host{
		Docker: &docker.Engine{
			Runner: guest{images: h.Images}, Project: h.Project, ComposeFile: filepath.Join(h.Dir, contract.ComposePath),
			RuntimeDir: os.TempDir(), Backoff: time.Second,
		},
		Caddy:    caddy.Admin{Socket: filepath.Join(h.Dir, "data/admin.sock")},
		Manifest: h.Manifest, Root: root, Data: h.Dir, Out: out, Timing: apps.DefaultTiming,
	}
	if err := a.Base(ctx); err != nil {
		return err
	}
	problems, err := a.Converge(ctx, releases)
	all := []error{err}
	for app, problem := range problems {
		all = append(all, fmt.Errorf("app %s: %w", app, problem))
	}
	return errors.Join(all...)
}

// converges is converge, which must succeed.
func (h *host) converges(releases map[string]string) string {
	h.Helper()
	h.ship(releases)
	var out bytes.Buffer
	if err := h.converge(h.Context(), &out, releases); err != nil {
		h.Fatalf("%v\n%s", err, out.String())
	}
	return out.String()
}

// remove removes everything of the project from the engine.
func (h *host) remove() {
	filter := "label=com.docker.compose.project=" + h.Project
	if h.Failed() {
		for _, name := range strings.Fields(dockerOutput("ps", "--all", "--filter", filter, "--format", "{{.Names}}")) {
			h.Logf("%s:\n%s", name, dockerOutput("logs", "--tail", "3", name))
		}
	}
	all := func(remove []string, list ...string) {
		if ids := strings.Fields(dockerOutput(list...)); len(ids) > 0 {
			_ = dockerOutput(append(remove, ids...)...)
		}
	}
	all([]string{"rm", "--force", "--volumes"}, "ps", "--all", "--quiet", "--filter", filter)
	all([]string{"network", "rm"}, "network", "ls", "--quiet", "--filter", filter)
	// By name: other tests have images of the same content.
	all([]string{"image", "rm"}, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference="+h.Images+"*",
		"--filter", "reference="+h.Project+"-built")
	// Caddy's files belong to root in its container. Unless this process is root, removing them fails and is left to the
	// test's end.
	_ = os.RemoveAll(filepath.Join(h.Dir, "data"))
}

// containers describes the project's containers: name to ID and start.
func (h *host) containers() map[string]string {
	h.Helper()
	all := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(dockerOutput("ps", "--all", "--no-trunc",
		"--filter", "label=com.docker.compose.project="+h.Project, "--format", "{{.Names}} {{.ID}}")), "\n") {
		name, id, _ := strings.Cut(line, " ")
		all[strings.TrimPrefix(name, h.Project+"-")] = dockerOutput("inspect", "--format", "{{.Id}} {{.State.Status}} {{.State.StartedAt}}", id)
	}
	return all
}

// guest runs docker with a compose command, and hides everything that does not belong to the test, so that nothing else
// is removed: a host has an engine of its own, this computer's is shared.
type guest struct {
	command.Exec
	images string
}

func (w guest) Run(ctx context.Context, c command.Command) ([]byte, error) {
	switch strings.Join(c.Args[:min(2, len(c.Args))], " ") {
	case "image ls":
		c.Args = append(slices.Clone(c.Args), "--filter", "reference="+w.images+"*")
	case "volume ls", "builder prune":
		return nil, nil
	}
	c.Env = append(slices.Clone(c.Env), composeEnv...)
	return w.Exec.Run(ctx, c)
}

// composeEnv points docker at a compose plugin if it has none.
var composeEnv []string

var engine = sync.OnceValue(func() error {
	if out, err := exec.Command("docker", "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		return fmt.Errorf("no Docker engine: %s", bytes.TrimSpace(out))
	}
	if exec.Command("docker", "compose", "version").Run() == nil {
		return nil
	}
	plugins := filepath.Join(moduleRoot(), ".webstack/build/docker/cli-plugins")
	if err := os.MkdirAll(plugins, 0o755); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-ldflags=-X github.com/docker/compose/v2/internal.Version=v2.40.3",
		"-o", filepath.Join(plugins, "docker-compose"), "github.com/docker/compose/v2/cmd")
	build.Dir = filepath.Join(moduleRoot(), "tools/compose")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("no docker compose, and it cannot be built: %s", bytes.TrimSpace(out))
	}
	composeEnv = []string{"DOCKER_CONFIG=" + filepath.Dir(plugins)}
	return nil
})

func moduleRoot() string {
	root, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return root
}

// needEngine skips the test if containers cannot be run and reached.
func needEngine(t *testing.T) {
	t.Helper()
	if err := engine(); err != nil {
		tooltest.Missing(t, "%v", err)
	}
	if _, err := os.Stat("/var/run/docker.sock"); err != nil || os.Getuid() != 0 {
		t.Skip("needs root and an engine on this machine, whose containers' addresses can be reached")
	}
}

func dockerOutput(args ...string) string {
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		return ""
	}
	return string(out)
}

// programs are what the images hold, by name.
var programs = sync.OnceValues(func() (map[string]string, error) {
	arch := strings.TrimSpace(dockerOutput("version", "--format", "{{.Server.Arch}}"))
	paths := map[string]string{}
	for name, source := range map[string][2]string{
		"caddy": {"tools/caddy", "."}, "wget": {"local", "./images/wget"}, "hello": {"examples/hello", "."},
	} {
		program, err := gobuild.Program(context.Background(), moduleRoot(), source[0], source[1], arch)
		if err != nil {
			return nil, err
		}
		paths[name] = program
	}
	return paths, nil
})

// buildImages makes an image of Caddy, and images of the demo app for ship. The tag is the version that the app shows;
// the app called broken exits at once.
func (h *host) buildImages(tags ...string) {
	h.Helper()
	paths, err := programs()
	if err != nil {
		h.Fatal(err)
	}
	dir := h.TempDir()
	for name, path := range paths {
		if out, err := exec.Command("cp", path, filepath.Join(dir, name)).CombinedOutput(); err != nil {
			h.Fatalf("%v: %s", err, out)
		}
	}
	h.build(dir, h.Images+"caddy:v1", `FROM scratch
COPY caddy wget /usr/bin/
ENV PATH=/usr/bin XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
`)
	for _, tag := range tags {
		program := "/hello"
		if tag == "broken" {
			program = "/wget"
		}
		h.build(dir, h.built(tag), "FROM scratch\nCOPY hello wget /\nENV VERSION="+tag+"\nENTRYPOINT [\""+program+"\"]\n")
	}
}

// built returns an image that waits to be shipped. It is not in the apps' registry, from which unreleased images are
// removed.
func (h *host) built(tag string) string { return h.Project + "-built:" + tag }

// ship puts the images of releases on the engine, as a pull would, because unreleased images are removed.
func (h *host) ship(releases map[string]string) {
	h.Helper()
	for app, tag := range releases {
		if out, err := exec.Command("docker", "tag", h.built(tag), h.Images+app+":"+tag).CombinedOutput(); err != nil {
			h.Fatalf("%v: %s", err, out)
		}
	}
}

func (h *host) build(dir, image, dockerfile string) {
	h.Helper()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		h.Fatal(err)
	}
	cmd := exec.CommandContext(h.Context(), "docker", "build", "--quiet", "--tag", image, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.Fatalf("build %s: %v\n%s", image, err, out)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	// Below the ports that Linux gives to connections, one of which could take this one before Caddy does.
	const first, count = 15000, 15000
	for range 100 {
		port := first + mathrand.IntN(count)
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func (h *host) address(https bool) string {
	if https {
		return "127.0.0.1:" + strconv.Itoa(h.HTTPS)
	}
	return "127.0.0.1:" + strconv.Itoa(h.HTTP)
}

// eventually retries until there is no error, for at most 30 seconds.
func eventually(t *testing.T, failure string, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", failure, err)
		}
	}
}
