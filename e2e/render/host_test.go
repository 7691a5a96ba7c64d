package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webstack/appcompose/render"
	"webstack/config"
	"webstack/contract"
	program "webstack/stack"
)

// stack is a stack config as in a stack file: keys without namespace.
type stack map[string]any

func (s stack) with(key string, value any) stack {
	s = maps.Clone(s)
	s[key] = value
	return s
}

// shop and blog: two apps, one with aliases, an own port and an environment.
func twoApps() stack {
	return stack{
		"apps": map[string]any{
			"blog": map[string]any{"domain": "example.com", "aliases": []string{"www.example.com", "example.org"}},
			"shop": map[string]any{"domain": "shop.example.com", "containerPort": 3000, "memoryMb": 512},
		},
		"appEnvPlain":  map[string]any{"shop": map[string]string{"PRICE": "$5 {{x}} \"q\"\nnext"}},
		"appEnvSecure": map[string]any{"shop": map[string]string{"API_KEY": "k$y\\'\"\n"}},
		"caddyEmail":   "ops@example.com",
		"activeApp":    "shop",
	}
}

func proxied() stack {
	s := twoApps()
	s["apps"].(map[string]any)["shop"].(map[string]any)["cfProxied"] = true
	return s
}

func manyApps(n int) stack {
	apps := map[string]any{}
	for i := range n {
		apps[fmt.Sprintf("app%03d", i)] = map[string]any{
			"domain": fmt.Sprintf("app%03d.example.com", i), "aliases": []string{fmt.Sprintf("www%03d.example.com", i)},
		}
	}
	return stack{"apps": apps}
}

// shapes returns the stacks whose rendered files are read back.
func shapes() map[string]stack {
	return map[string]stack{
		"no apps":           {},
		"two apps":          twoApps(),
		"proxied":           proxied(),
		"internal":          twoApps().with("acme", "internal"),
		"staging":           twoApps().with("acme", "staging"),
		"directory":         twoApps().with("acme", "https://ca.example.net/acme/directory"),
		"external postgres": twoApps().with("enableExternalPostgres", true),
		"one letter":        {"apps": map[string]any{"a": map[string]any{"domain": "a.example.com"}}},
		"200 apps":          manyApps(200),
	}
}

// host is a directory laid out like a host's stack directory.
type host struct {
	dir   string
	paths contract.Paths
	apps  []config.App
}

// newHost renders a stack and writes the bundle's text files and those of the host. No app has a release yet.
func newHost(t testing.TB, s stack) *host {
	t.Helper()
	values := map[string]string{}
	for key, value := range s {
		text, ok := value.(string)
		if !ok {
			b, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		values[config.Namespace+":"+key] = text
	}
	c, err := config.Load("dev", values)
	if err != nil {
		t.Fatal(err)
	}
	r, err := render.Render(program.RenderInput(c, "webstack", "dev", "eu-central-1", "123456789012"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := &host{dir: dir, paths: contract.Paths{StackDir: dir}, apps: c.Apps}
	h.write(t, contract.ComposePath, r.Compose)
	h.write(t, contract.CaddyfilePath, r.Caddyfile)
	h.write(t, contract.PostgresPasswordPath, []byte("secret"))
	for _, app := range c.Apps {
		env := map[string]string{"DATABASE_URL": contract.DatabaseURL("", app.Name, "secret")}
		for name, value := range app.EnvSecure {
			env[name] = value.Reveal()
		}
		h.write(t, contract.EnvDir+"/"+app.Name+".env", must(contract.AppEnv(env)))
		h.write(t, contract.SitesDir+"/"+app.Name, contract.ReleasedSite())
		h.write(t, contract.TLSDir+"/"+app.Name+"/"+contract.CertificateFile, contract.AutomaticCertificate())
	}
	h.release(t)
	return h
}

// release writes compose/.env for these apps.
func (h *host) release(t testing.TB, apps ...string) {
	t.Helper()
	images := map[string]string{}
	for _, app := range apps {
		images[app] = image(app)
	}
	h.write(t, contract.ComposeEnvPath, must(contract.ComposeEnv(images, nil, nil)))
}

func image(app string) string {
	return "registry.example.com/" + app + ":v1@sha256:" + strings.Repeat("0", 64)
}

func (h *host) write(t testing.TB, path string, content []byte) {
	t.Helper()
	path = filepath.Join(h.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (h *host) appNames() []string {
	var names []string
	for _, app := range h.apps {
		names = append(names, app.Name)
	}
	return slices.Sorted(slices.Values(names))
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
