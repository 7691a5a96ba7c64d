package converge

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
)

// twoApps are the parameters of two apps, one of which has a release.
func twoApps() map[string]string {
	return map[string]string{
		"/webstack/test/apps/blog/database-password": "canary-blog",
		"/webstack/test/apps/blog/release":           contract.NoRelease,
		"/webstack/test/apps/shop/database-password": "canary-shop",
		"/webstack/test/apps/shop/env/API_KEY":       "canary-key",
		"/webstack/test/apps/shop/release":           "v1",
	}
}

// publishApps makes a bundle with two apps on a host that has their parameters.
func publishApps(t *testing.T) *bundle {
	t.Helper()
	b := publish(t, sample())
	b.addApps()
	b.host.parameters = twoApps()
	return b
}

func (b *bundle) addApps() {
	app := func(name string, secure ...string) contract.ManifestApp {
		return contract.ManifestApp{
			Name: name, Domain: name + ".example.com", Port: 8080, HealthPath: "/", Repository: "r.example.com/" + name,
			Database: name, MemoryMb: 64, StartTimeoutSeconds: 90, StopGraceSeconds: 10, SecureEnv: secure,
		}
	}
	b.manifest.Apps = []contract.ManifestApp{app("blog"), app("shop", "API_KEY")}
	b.putManifest()
}

func TestStepsAreInOrder(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	out := b.mustRun(t)
	want := []string{
		"mount", "swap", "parameters", "names", "base", "restore", "postgres", "query", "adopt", "exec", "limit", "converge",
	}
	if diff := cmp.Diff(want, b.host.steps()); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"shop": "v1"}, b.host.releases); diff != "" {
		t.Errorf("releases (-want +got):\n%s", diff)
	}
	if !slices.Contains(b.host.calls, "postgres postgres  "+testPassword) {
		t.Errorf("Postgres was asked for as %v", b.host.calls)
	}
	for _, app := range []string{"blog", "shop"} {
		if !strings.Contains(strings.Join(b.host.executed, ";"), `CREATE DATABASE "`+app+`" OWNER "`+app+`"`) {
			t.Errorf("%s has no database: %v", app, b.host.executed)
		}
		for _, name := range []string{"env/" + app + ".env", "caddy/tls/" + app + "/" + contract.CertificateFile} {
			if _, err := os.Stat(filepath.Join(b.dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
	if strings.Contains(out, "canary") || strings.Contains(out, testPassword) {
		t.Errorf("a secret is printed:\n%s", out)
	}
	before := b.tree(t)
	b.host.state = strings.NewReplacer(`"postgres": {"login`, `"blog": {"login": true, "member": true, "limit": 45},
		"shop": {"login": true, "member": true, "limit": 45}, "postgres": {"login`,
		`"app": {"owner`, `"blog": {"owner": "blog"}, "shop": {"owner": "shop"}, "app": {"owner`).Replace(closed)
	again := b.mustRun(t)
	if diff := cmp.Diff(before, b.tree(t)); diff != "" {
		t.Errorf("a second run changed files:\n%s", diff)
	}
	if want := "converged to manifest " + b.sum[:12] + ": 0 of 3 files changed, 0 removed\n"; again != want {
		t.Errorf("a second run prints:\n%s", again)
	}
}

// When a step fails that the others build on, none of them is begun, and the next run does all of it.
func TestStepsThatFail(t *testing.T) {
	t.Parallel()
	order := []string{"mount", "swap", "parameters", "names", "base", "postgres", "exec", "converge"}
	for _, step := range []string{"mount", "parameters", "names", "base", "converge"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := publishApps(t)
			b.host.fail = map[string]error{step: errors.New("trouble with " + step)}
			out, err := b.run(t)
			if err == nil || !strings.Contains(err.Error(), "trouble with "+step) || strings.Contains(out, "converged") {
				t.Errorf("error %v, printed:\n%s", err, out)
			}
			steps := b.host.steps()
			for _, later := range order[slices.Index(order, step)+1:] {
				if slices.Contains(steps, later) {
					t.Errorf("%s came after the failure: %v", later, steps)
				}
			}
			if left := b.tree(t); step == "mount" && len(left) > 1 {
				t.Errorf("written without the data volume: %v", left)
			}
			b.host.fail = nil
			b.mustRun(t)
		})
	}
}

// What is wrong with one part is said in the end, and the rest is done.
func TestProblemsOfSingleParts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault func(f *fakeHost)
		want  string
	}{
		"boot":          {func(f *fakeHost) { f.fail = map[string]error{"boot": errors.New("no unit")} }, "no unit"},
		"swap":          {func(f *fakeHost) { f.fail = map[string]error{"swap": errors.New("no swap")} }, "no swap"},
		"secret":        {func(f *fakeHost) { delete(f.parameters, "/webstack/test/apps/shop/env/API_KEY") }, "app shop: read parameter"},
		"no password":   {func(f *fakeHost) { delete(f.parameters, "/webstack/test/apps/blog/database-password") }, "app blog: read parameter"},
		"half a pair":   {func(f *fakeHost) { f.parameters["/shop/ssl/key"] = "canary-private" }, "app shop: use the app's own certificate"},
		"another's key": {func(f *fakeHost) { f.refused = map[string]error{"/shop/ssl/key": errors.New("denied")} }, "app shop: denied"},
		"database": {func(f *fakeHost) {
			f.fail = map[string]error{"exec": errors.New("no space")}
		}, "app shop: create the database of shop: no space"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := publishApps(t)
			test.fault(b.host)
			out, err := b.run(t)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(out, "converged") {
				t.Errorf("error %v, printed:\n%s", err, out)
			}
			if err != nil && strings.Contains(err.Error()+out, "canary") {
				t.Error("a secret is shown")
			}
			if !slices.Contains(b.host.steps(), "converge") {
				t.Errorf("the apps were not looked after: %v", b.host.steps())
			}
		})
	}
}

func TestExternalPostgres(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	b.manifest.ExternalPostgres = true
	b.putManifest()
	if _, err := b.run(t); err == nil || !strings.Contains(err.Error(), "/webstack/test/postgres/host") {
		t.Errorf("without an address: %v", err)
	}
	b.host.parameters["/webstack/test/postgres/host"] = "db.example.com:5432"
	b.mustRun(t)
	if want := "postgres postgres db.example.com:5432 " + testPassword; !slices.Contains(b.host.calls, want) {
		t.Errorf("Postgres was asked for as %v", b.host.calls)
	}
	if _, err := os.Stat(filepath.Join(b.dir, contract.PostgresPasswordPath)); err == nil {
		t.Error("the password of the server elsewhere is on the disk")
	}
}

// Killed behind each line it prints, a run leaves env files and certificates whole, and the next completes the work.
func TestRunWithAppsHealsAfterAKill(t *testing.T) {
	t.Parallel()
	whole := publishApps(t)
	lines := strings.Count(whole.mustRun(t), "\n")
	want := whole.contents(t)
	for n := 1; n < lines; n++ {
		b := publishApps(t)
		if state := b.runChild(t, n); state.Success() {
			t.Fatalf("the child was not killed at line %d of %d", n, lines)
		}
		for name, text := range b.contents(t) {
			if name != contract.ManifestPath && !strings.HasSuffix(name, ".new") && !strings.HasPrefix(name, stageDir) && text != want[name] {
				t.Errorf("line %d: %s is neither missing nor whole", n, name)
			}
		}
		b.mustRun(t)
		got := b.contents(t)
		got[contract.ManifestPath] = want[contract.ManifestPath] // names another directory
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", n, diff)
		}
	}
}

func (b *bundle) contents(t *testing.T) map[string]string {
	t.Helper()
	got := map[string]string{}
	for name, e := range b.tree(t) {
		got[name] = e.Mode.String() + " " + e.Text
	}
	return got
}

// A full disk does not keep a run from writing, and each run looks after the room for the next, however it ends.
func TestRoomOnTheDisk(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fail string
		want string
		ends bool
	}{
		"done":              {"", "", true},
		"a run that fails":  {"base", "trouble", true},
		"no look at it":     {"open", "trouble", false},
		"no room to be had": {"close", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := publishApps(t)
			b.host.fail = map[string]error{test.fail: errors.New("trouble")}
			out, err := b.run(t)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, printed:\n%s", err, out)
			}
			want := []string{"open at 0"}
			if test.ends {
				want = append(want, fmt.Sprintf("close at %d", len(b.host.calls)))
			}
			if !slices.Equal(b.host.room, want) {
				t.Errorf("got %v, want %v", b.host.room, want)
			}
			if test.fail == "close" && !strings.Contains(out, "trouble") {
				t.Errorf("not said:\n%s", out)
			}
		})
	}
}
