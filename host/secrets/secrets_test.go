package secrets

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
)

// bench is a stack directory with the parameters of two apps.
type bench struct {
	Options
	t   *testing.T
	dir string
	out *bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), out: &bytes.Buffer{}}
	root, err := os.OpenRoot(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	b.Options = Options{Root: root, Out: b.out, Values: map[string]string{
		"/webstack/dev/postgres/password":           "canary-super",
		"/webstack/dev/apps/shop/database-password": "canary-shop",
		"/webstack/dev/apps/shop/env/API_KEY":       "canary $key\n\"quoted\"",
		"/webstack/dev/apps/blog/database-password": "canary-blog",
	}, Manifest: contract.Manifest{Project: "webstack", Stack: "dev", Apps: []contract.ManifestApp{
		{Name: "blog", Database: "blog"}, {Name: "shop", Database: "shop", SecureEnv: []string{"API_KEY"}},
	}}}
	return b
}

// write writes and returns what is wrong and what was printed.
func (b *bench) write() (map[string]error, string) {
	b.t.Helper()
	b.out.Reset()
	problems, err := Write(b.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.Contains(b.out.String(), "canary") {
		b.t.Errorf("a secret is printed: %s", b.out)
	}
	return problems, b.out.String()
}

func (b *bench) check(want map[string]string) {
	b.t.Helper()
	got := map[string]string{}
	entries, err := os.ReadDir(filepath.Join(b.dir, "env"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(b.dir, "env", e.Name()))
		if err != nil {
			b.t.Fatal(err)
		}
		got[e.Name()] = string(text)
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			b.t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("env files (-want +got):\n%s", diff)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	problems, out := b.write()
	if len(problems) > 0 || out != "wrote env/postgres-password\nwrote env/blog.env\nwrote env/shop.env\n" {
		t.Errorf("%v, printed %q", problems, out)
	}
	want := map[string]string{
		"postgres-password": "canary-super",
		"blog.env":          "DATABASE_URL=\"postgres://blog:canary-blog@postgres:5432/blog?sslmode=disable\"\n",
		"shop.env": "API_KEY=\"canary \\$key\\n\\\"quoted\\\"\"\n" +
			"DATABASE_URL=\"postgres://shop:canary-shop@postgres:5432/shop?sslmode=disable\"\n",
	}
	b.check(want)
	if info, err := os.Stat(filepath.Join(b.dir, "env")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info, err)
	}
	if problems, out := b.write(); len(problems) > 0 || out != "" {
		t.Errorf("again: %v, printed %q", problems, out)
	}
	// One variable changes one file.
	b.Values["/webstack/dev/apps/shop/env/API_KEY"] = "canary-2"
	if _, out := b.write(); out != "wrote env/shop.env\n" {
		t.Errorf("printed %q", out)
	}
}

func TestExternalPostgres(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write()
	b.Manifest.ExternalPostgres = true
	if problems, _ := b.write(); len(problems) != 2 || !strings.Contains(problems["blog"].Error(), "/postgres/host") {
		t.Errorf("without an address: %v", problems)
	}
	b.Values["/webstack/dev/postgres/host"] = "db.example.com:5432"
	b.Manifest.Apps = b.Manifest.Apps[:1]
	if problems, _ := b.write(); len(problems) > 0 {
		t.Error(problems)
	}
	text, err := os.ReadFile(filepath.Join(b.dir, "env", "blog.env"))
	if want := "@db.example.com:5432/blog?sslmode=require"; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "env", "postgres-password")); err == nil {
		t.Error("the password of the server elsewhere is on the disk")
	}
}

// What one app lacks is its own trouble, and named; it keeps the file it has.
func TestMissingParameters(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write()
	delete(b.Values, "/webstack/dev/apps/shop/env/API_KEY")
	delete(b.Values, "/webstack/dev/apps/shop/database-password")
	b.Values["/webstack/dev/apps/blog/database-password"] = "canary-new"
	problems, out := b.write()
	if out != "wrote env/blog.env\n" || len(problems) != 1 {
		t.Errorf("%v, printed %q", problems, out)
	}
	for _, want := range []string{"env/API_KEY: it does not exist", "shop/database-password: it does not exist"} {
		if problems["shop"] == nil || !strings.Contains(problems["shop"].Error(), want) {
			t.Errorf("error %v, want %q", problems["shop"], want)
		}
	}
	if _, err := os.Stat(filepath.Join(b.dir, "env", "shop.env")); err != nil {
		t.Error(err)
	}
	b.Values["/webstack/dev/apps/shop/env/API_KEY"] = "canary\x00"
	b.Values["/webstack/dev/apps/shop/database-password"] = "canary"
	problems, _ = b.write()
	if err := problems["shop"]; err == nil || !strings.Contains(err.Error(), "API_KEY") || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v", err)
	}
	delete(b.Values, "/webstack/dev/postgres/password")
	if _, err := Write(b.Options); err == nil || !strings.Contains(err.Error(), "run pulumi up") {
		t.Errorf("error is %v", err)
	}
}

func TestPlacesThatAreTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := os.MkdirAll(filepath.Join(b.dir, "env", "shop.env"), 0o700); err != nil {
		t.Fatal(err)
	}
	if problems, _ := b.write(); len(problems) != 1 || !strings.Contains(problems["shop"].Error(), "is a directory") {
		t.Errorf("problems: %v", problems)
	}
	b = newBench(t)
	if err := os.WriteFile(filepath.Join(b.dir, "env"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(b.Options); err == nil {
		t.Error("no error")
	}
}
