package render

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"webstack/contract"
	"webstack/internal/golden"
)

func app(name string, edits ...func(*App)) App {
	a := App{
		Name: name, Domain: name + ".example.com",
		Repository: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/webstack-dev/" + name,
		Port:       8080, HealthPath: "/", MemoryMb: 256,
		Init: true, StartTimeoutSeconds: 90, DrainTimeoutSeconds: 30, StopGraceSeconds: 10,
	}
	for _, edit := range edits {
		edit(&a)
	}
	return a
}

// input is a stack of these apps, the first of which is active, with a repository for each.
func input(apps ...App) Input {
	in := Input{
		Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: "/opt/webstack", Acme: "letsencrypt",
		InstanceType: "t4g.small", HostMemoryMb: 2048, HostMemoryKnown: true,
		PostgresUser: "postgres", PostgresDefaultDb: "app", PostgresConnections: 102, Apps: apps, EdgeSubnet: contract.EdgeSubnet,
	}
	if len(apps) > 0 {
		in.ActiveApp = apps[0].Name
	}
	return in
}

// many is a stack of n apps with some environment and an alias each.
func many(n int) Input {
	var apps []App
	for i := range n {
		apps = append(apps, app(fmt.Sprintf("app%04d", i), func(a *App) {
			a.Aliases = []string{"www." + a.Domain}
			a.EnvPlain = map[string]string{"LOG_LEVEL": "info", "GREETING": "Hello, $USER!"}
			a.SecureEnv = []string{"API_KEY"}
		}))
	}
	return input(apps...)
}

var hostile = map[string]string{
	"BRACES":     "{{ .Secret }} ${HOME} {$PATH}",
	"COLON":      "a: b # c",
	"CONTROL":    "bell\a escape\x1b del\x7f",
	"DOLLAR":     "$HOME $$ ${X:-y} $",
	"EMPTY":      "",
	"LINES":      "first\n  second\n\n\tthird\r\n",
	"LOOSE":      "  around  ",
	"NUMBER":     "0123",
	"QUOTES":     `"double" 'single' back\slash \"`,
	"TRUTH":      "yes",
	"UNICODE":    "Zürich 日本 \u2028 \u0085 \ufeff 🚀",
	"YAMLISH":    "&a *b !c | > - ? [x] {y}",
	"lowercase_": "ok",
}

func TestRender(t *testing.T) {
	t.Parallel()
	two := func(edit func(*Input)) Input {
		in := input(
			app("blog", func(a *App) {
				a.Domain, a.Aliases = "example.com", []string{"www.example.com", "example.org"}
			}),
			app("shop", func(a *App) {
				a.Port, a.MemoryMb = 3000, 512
				a.EnvPlain = map[string]string{"PRICE": "$5", "LOG_LEVEL": "info"}
				a.SecureEnv = []string{"STRIPE_KEY", "API_KEY"}
			}),
		)
		edit(&in)
		return in
	}
	for name, in := range map[string]Input{
		"no-apps":  input(),
		"two-apps": two(func(c *Input) { c.CaddyEmail = "ops@example.com"; c.ActiveApp = "shop" }),
		"proxied":  two(func(c *Input) { c.Apps[1].Proxied = true }),
		"internal": two(func(c *Input) { c.Acme = "internal" }),
		"staging":  two(func(c *Input) { c.Acme = "staging" }),
		"directory": two(func(c *Input) {
			c.Acme = "https://ca.example.net/acme/directory"
			c.HostMemoryMb, c.PostgresConnections = 16384, 500
		}),
		"external-postgres": two(func(c *Input) { c.ExternalPostgres = true }),
		"hostile-values":    input(app("odd", func(a *App) { a.EnvPlain = hostile })),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := render(t, in)
			golden.Compare(t, r.Compose, "/docker-compose.yml")
			golden.Compare(t, r.Caddyfile, "/Caddyfile")
			m, err := r.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, m.Encode(), "/manifest.json")
		})
	}
}

func render(t testing.TB, in Input) Files {
	t.Helper()
	r, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRenderIsStable(t *testing.T) {
	t.Parallel()
	first := render(t, many(50))
	other := many(50)
	slices.Reverse(other.Apps)
	for i := range other.Apps {
		slices.Reverse(other.Apps[i].Aliases)
	}
	for name, in := range map[string]Input{"same": many(50), "other order": other} {
		again := render(t, in)
		if !bytes.Equal(first.Compose, again.Compose) || !bytes.Equal(first.Caddyfile, again.Caddyfile) {
			t.Errorf("%s input: the text differs", name)
		}
		m1, _ := first.Manifest()
		m2, _ := again.Manifest()
		if !bytes.Equal(m1.Encode(), m2.Encode()) {
			t.Errorf("%s input: the manifest differs", name)
		}
	}
}

// Adding an app must not touch what the others see: no container but its own is replaced.
func TestAddingAnAppChangesOnlyItsOwnService(t *testing.T) {
	t.Parallel()
	services := func(n int) map[string]any {
		var file struct{ Services map[string]any }
		if err := yaml.Unmarshal(render(t, many(n)).Compose, &file); err != nil {
			t.Fatal(err)
		}
		return file.Services
	}
	before, after := services(30), services(31)
	for name := range before {
		if fmt.Sprint(before[name]) != fmt.Sprint(after[name]) {
			t.Errorf("service %s changed", name)
		}
	}
	if len(after) != len(before)+1 {
		t.Errorf("%d services became %d, want one more", len(before), len(after))
	}
}

func TestEnvironmentSurvivesYAMLAndInterpolation(t *testing.T) {
	t.Parallel()
	r := render(t, input(app("odd", func(a *App) { a.EnvPlain = hostile })))
	got := environment(t, r.Compose, "odd")
	want := maps.Clone(hostile)
	want["PORT"], want["WEBSTACK_HEALTH_PATH"] = "8080", "/"
	if !maps.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// environment is the environment of a service as the container sees it: "$$" is Compose's way to write "$".
func environment(t testing.TB, compose []byte, service string) map[string]string {
	t.Helper()
	var file struct {
		Services map[string]struct{ Environment map[string]string }
	}
	if err := yaml.Unmarshal(compose, &file); err != nil {
		t.Fatalf("parse the compose file: %v\n%s", err, compose)
	}
	env := file.Services[service].Environment
	for name, value := range env {
		if rest := strings.ReplaceAll(value, "$$", ""); strings.Contains(rest, "$") {
			t.Errorf("%s: %q would be interpolated", name, value)
		}
		env[name] = strings.ReplaceAll(value, "$$", "$")
	}
	return env
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	type edit = func(in *Input, a *App)
	env := func(name, value string) edit {
		return func(_ *Input, a *App) { a.EnvPlain = map[string]string{name: value} }
	}
	const badToken = "cannot be used in a Caddyfile"
	tests := map[string]struct {
		edit edit
		want string
	}{
		"reserved name": {func(_ *Input, a *App) { a.Name = "caddy" }, "apps.caddy: the name is in use"},
		"name of a container": {
			func(_ *Input, a *App) { a.Name = "webstack-shop-1" }, "apps.webstack-shop-1: the name is in use",
		},
		"no repository":   {func(_ *Input, a *App) { a.Repository = "" }, `"" is not an image repository`},
		"variable's name": {env("A-B", ""), `"A-B" is not the name`},
		"NUL":             {env("A", "\x00"), "A is not UTF-8 text"},
		"not UTF-8":       {env("A", "\xff"), "A is not UTF-8 text"},
		"active app":      {func(in *Input, _ *App) { in.ActiveApp = "gone" }, `"gone" is not an app`},
		"domain":          {func(_ *Input, a *App) { a.Domain = "a.example.com {" }, badToken},
		"alias":           {func(_ *Input, a *App) { a.Aliases = []string{"{$HOME}"} }, badToken},
		"email":           {func(in *Input, _ *App) { in.CaddyEmail = "a b" }, badToken},
		"acme":            {func(in *Input, _ *App) { in.Acme = "x\n}" }, badToken},
		"stackDir":        {func(in *Input, _ *App) { in.StackDir = "/opt/$X" }, "stackDir:"},
		"healthPath":      {func(_ *Input, a *App) { a.HealthPath = "up" }, "healthPath"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(app("shop"))
			test.edit(&in, &in.Apps[0])
			if _, err := Render(in); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
	t.Run("two apps of one name", func(t *testing.T) {
		t.Parallel()
		if _, err := Render(input(app("shop"), app("shop"))); err == nil {
			t.Error("got no error")
		}
	})
}

func TestManifestNamesTheFilesAndNoSecret(t *testing.T) {
	t.Parallel()
	r := render(t, many(3))
	program := contract.File{
		Path: contract.HostProgramPath, SHA256: contract.Sum([]byte("program")), Size: 7, Mode: contract.ModeProgram,
	}
	m, err := r.Manifest(program)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := contract.DecodeManifest(m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{r.Compose, r.Caddyfile, []byte("program")} {
		has := slices.ContainsFunc(decoded.Files, func(f contract.File) bool {
			return f.SHA256 == contract.Sum(content) && f.Size == int64(len(content))
		})
		if !has {
			t.Errorf("no file of the manifest has the sum of %.40q", content)
		}
	}
	for name, text := range map[string][]byte{"compose": r.Compose, "Caddyfile": r.Caddyfile, "manifest": m.Encode()} {
		if bytes.Contains(text, []byte("hidden")) {
			t.Errorf("%s shows a secure value", name)
		}
	}
	if _, err := r.Manifest(contract.File{Path: "../etc/passwd"}); err == nil {
		t.Error("a file outside of the stack directory was taken")
	}
}

func FuzzRender(f *testing.F) {
	for _, value := range hostile {
		f.Add("shop", "shop.example.com", "NAME", value, "/opt/webstack")
	}
	f.Add("a", "b\n}", "A B", "\x00", "/$x")
	f.Fuzz(func(t *testing.T, name, domain, variable, value, stackDir string) {
		in := input(app(name, func(a *App) {
			a.Domain, a.EnvPlain = domain, map[string]string{variable: value}
		}))
		in.StackDir = stackDir
		r, err := Render(in)
		if err != nil {
			return
		}
		env := environment(t, r.Compose, name)
		want := value
		if variable == "PORT" {
			want = "8080"
		}
		if env[variable] != want {
			t.Errorf("%q became %q\n%s", want, env[variable], r.Compose)
		}
		opened, closed := bytes.Count(r.Caddyfile, []byte("{")), bytes.Count(r.Caddyfile, []byte("}"))
		if opened != closed {
			t.Errorf("%d braces are opened and %d closed in\n%s", opened, closed, r.Caddyfile)
		}
	})
}

func BenchmarkRender1000Apps(b *testing.B) {
	in := many(1000)
	b.ReportAllocs()
	for b.Loop() {
		render(b, in)
	}
}
