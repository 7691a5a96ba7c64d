package apps

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webstack/contract"
	"webstack/host/caddy"
	"webstack/host/docker"
	"webstack/host/internal/caddytest"
	"webstack/host/internal/dockertest"
)

const (
	caddyImage    = "caddy:2"
	postgresImage = "postgres:17"
	registry      = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/"
)

// world is a host with the apps shop and blog, whose releases v1 and v2 are in the registry.
type world struct {
	*testing.T
	*Host
	dir    string
	engine *dockertest.Engine
	caddy  *caddytest.Caddy
	out    bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir(), engine: dockertest.New(t), caddy: caddytest.New(t)}
	w.engine.Registry = []string{caddyImage, postgresImage}
	for _, app := range []string{"blog", "shop", "wiki"} {
		for _, release := range []string{"v1", "v2", "v3"} {
			w.engine.Registry = append(w.engine.Registry, image(app, release))
		}
	}
	root, err := os.OpenRoot(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	w.Host = &Host{
		Docker: &docker.Engine{
			Runner: w.engine, Project: dockertest.Project, ComposeFile: filepath.Join(w.dir, contract.ComposePath),
			RuntimeDir: t.TempDir(), Backoff: time.Millisecond,
		},
		Caddy: caddy.Admin{Socket: w.caddy.Socket}, Root: root, Data: t.TempDir(), Out: &w.out, Dial: w.engine.Dial,
		Timing: Timing{Poll: time.Millisecond, Base: 10 * time.Second, Second: time.Second},
	}
	w.apps("blog", "shop")
	return w
}

func image(app, release string) string { return registry + app + ":" + release }

// apps makes the stack have these apps: manifest, bundle, env files and certificates.
func (w *world) apps(names ...string) {
	w.Helper()
	compose := &strings.Builder{}
	compose.WriteString("name: webstack\nservices:\n")
	for _, base := range []struct{ name, image string }{{"caddy", caddyImage}, {"postgres", postgresImage}} {
		compose.WriteString("  " + base.name + ":\n    image: " + base.image + "\n    container_name: " + base.name +
			"\n    labels: {webstack.sum: '${" + contract.SumVariable(base.name) + ":-}'}\n")
	}
	w.Manifest.Apps = nil
	for _, name := range names {
		compose.WriteString("  " + name + ":\n    image: ${" + contract.ImageVariable(name) + ":-none}\n    profiles: [" +
			name + "]\n    labels: {webstack.sum: '${" + contract.SumVariable(name) + ":-}'}\n" +
			"    networks: {edge: {ipv4_address: '${" + contract.AddressVariable(name) + ":-}'}}\n")
		w.Manifest.Apps = append(w.Manifest.Apps, contract.ManifestApp{
			Name: name, Domain: name + ".example.com", Port: 3000, HealthPath: "/health", Repository: registry + name,
			StartTimeoutSeconds: 10, DrainTimeoutSeconds: 10, StopGraceSeconds: 10,
		})
		w.file(contract.EnvDir+"/"+name+".env", "DATABASE_URL=\""+name+"\"\n")
		w.file(contract.TLSDir+"/"+name+"/"+contract.CertificateFile, string(contract.AutomaticCertificate()))
	}
	compose.WriteString("networks:\n  edge: {}\n")
	w.file(contract.ComposePath, compose.String())
	w.file(contract.CaddyfilePath, "# "+strings.Join(names, " ")+"\n")
}

func (w *world) file(name, content string) {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		w.Fatal(err)
	}
}

func (w *world) read(name string) string {
	content, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return ""
	}
	return string(content)
}

// run does what a converge does.
func (w *world) run(releases map[string]string) error {
	if err := w.Base(w.Context()); err != nil {
		return err
	}
	return w.converge(releases)
}

// converge returns what is wrong with single apps beside what stopped it.
func (w *world) converge(releases map[string]string) error {
	problems, err := w.Converge(w.Context(), releases)
	all := []error{err}
	for _, app := range slices.Sorted(maps.Keys(problems)) {
		all = append(all, fmt.Errorf("app %s: %w", app, problems[app]))
	}
	return errors.Join(all...)
}

// runs does so, and it must succeed.
func (w *world) runs(releases map[string]string) {
	w.Helper()
	w.out.Reset()
	if err := w.run(releases); err != nil {
		w.Fatalf("%v\n%s", err, w.out.String())
	}
}

// both is a release of both apps.
func both(blog, shop string) map[string]string { return map[string]string{"blog": blog, "shop": shop} }

// answering returns the image that answers for an app, "" when nobody does.
func (w *world) answering(app string) string {
	live, err := w.hosts()
	if err != nil {
		w.Fatal(err)
	}
	at, ok := live[app]
	for _, c := range w.engine.Containers() {
		if ok && c.Fixed == w.edge().IP(at) && c.Service == app && c.Status == "running" {
			return c.Image
		}
	}
	return ""
}

// runOnly asserts that the apps' containers are these, by service and image, and that each answers.
func (w *world) runOnly(want map[string]string) {
	w.Helper()
	got := map[string]string{}
	for _, c := range w.engine.Containers() {
		if slices.Contains([]string{"caddy", "postgres"}, c.Service) {
			continue
		}
		if got[c.Service] != "" {
			w.Errorf("%s has a second container", c.Service)
		}
		got[c.Service] = c.Image
	}
	for app, image := range want {
		if got[app] != image {
			w.Errorf("%s runs %q, want %q", app, got[app], image)
		}
		if answers := w.answering(app); answers != image {
			w.Errorf("for %s answers %q, want %q", app, answers, image)
		}
		if !strings.Contains(w.read(contract.ComposeEnvPath), contract.ImageVariable(app)+"=\""+image+"\"") {
			w.Errorf("compose/.env does not have %s", image)
		}
	}
	if len(got) != len(want) {
		w.Errorf("got containers of %v, want of %v", got, want)
	}
}

// unchanged asserts that another run changes nothing.
func (w *world) unchanged(releases map[string]string) {
	w.Helper()
	w.engine.Calls()
	w.caddy.Loads()
	before := w.tree()
	w.runs(releases)
	if calls := w.engine.Calls(); len(calls) > 0 {
		w.Errorf("an unchanged run called %q", calls)
	}
	if loads := w.caddy.Loads(); len(loads) > 0 {
		w.Errorf("an unchanged run loaded %v", loads)
	}
	if after := w.tree(); before != after {
		w.Errorf("an unchanged run changed files:\n%s\n%s", before, after)
	}
	if w.out.Len() > 0 {
		w.Errorf("an unchanged run said %q", w.out.String())
	}
}

// tree describes all files.
func (w *world) tree() string {
	var out strings.Builder
	err := filepath.Walk(w.dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			out.WriteString(path + " " + info.ModTime().Format(time.RFC3339Nano) + "\n")
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return out.String()
}
