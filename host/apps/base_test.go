package apps

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/host/internal/dockertest"
)

func TestBaseReplacesOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.engine.Calls()
	w.file(contract.ComposePath, strings.Replace(w.read(contract.ComposePath), "image: "+postgresImage,
		"image: "+postgresImage+"\n    mem_limit: 1g", 1))
	caddy := w.engine.Containers()[0].ID
	w.runs(both("v1", "v1"))
	if got := w.engine.Calls(); !slices.Equal(got, []string{"up makes postgres"}) {
		t.Errorf("called %q", got)
	}
	if w.engine.Containers()[0].ID != caddy {
		t.Error("Caddy was replaced too")
	}
	w.unchanged(both("v1", "v1"))
}

func TestBaseRemovesWhatComposeLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.engine.Change("caddy", func(c *dockertest.Container) { c.Name = "0123_caddy" })
	w.runs(both("v1", "v1"))
	if got := w.engine.Containers(); got[0].Name != "caddy" || len(got) != 4 {
		t.Errorf("got %v", got)
	}
	w.unchanged(both("v1", "v1"))
}

func TestExternalPostgres(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.Manifest.ExternalPostgres = true
	w.runs(both("v1", "v1"))
	for _, c := range w.engine.Containers() {
		if c.Service == "postgres" {
			t.Error("Postgres still runs")
		}
	}
	w.unchanged(both("v1", "v1"))
}

func TestBaseFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arrange func(w *world)
		want    []string
	}{
		"Postgres ends": {func(w *world) {
			w.engine.Health["postgres"] = func() error {
				w.engine.Change("postgres", func(c *dockertest.Container) { c.Status, c.ExitCode = "exited", 1 })
				return dockertest.Fail("no response")
			}
		}, []string{"wait for postgres", "exited (exited, exit code 1)"}},
		"Postgres is not well": {func(w *world) {
			w.Timing.Base = 30 * w.Timing.Poll
			w.engine.Health["postgres"] = func() error { return dockertest.Fail("no response") }
		}, []string{"wait for postgres", "not healthy after", "no response"}},
		"Caddy's API is silent": {func(w *world) {
			w.Timing.Base = 30 * w.Timing.Poll
			w.caddy.Down(true)
		}, []string{"wait for caddy", "not healthy after", "whether it is ready"}},
		"a port is taken": {func(w *world) {
			w.engine.After = func(args []string) error {
				if args[0] == "compose" && args[len(args)-1] == "caddy" {
					return dockertest.Fail("Bind for 0.0.0.0:443 failed: port is already allocated")
				}
				return nil
			}
		}, []string{"start caddy", "port is already allocated"}},
		"no image": {func(w *world) { w.engine.Registry = nil }, []string{"start postgres", "pull postgres:17"}},
		"no certificate file": {func(w *world) {
			_ = os.Remove(filepath.Join(w.dir, "caddy/tls/shop/Caddyfile"))
		}, []string{"start caddy", "shop"}},
		"no engine": {func(w *world) {
			w.engine.Before = func([]string) error { return errors.New("dial unix: no such file or directory") }
		}, []string{"list containers", "no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.arrange(w)
			err := w.Base(t.Context())
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %v, want %q in it", err, want)
				}
			}
			if strings.HasPrefix(test.want[0], "wait") && !strings.Contains(w.out.String(), "last words of") {
				t.Errorf("no last words in\n%s", w.out.String())
			}
		})
	}
}

func TestBaseWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := 0
	w.engine.Health["postgres"] = func() error {
		if asked++; asked < 5 {
			return dockertest.Fail("rejecting connections")
		}
		return nil
	}
	w.runs(both("", ""))
	if asked != 5 {
		t.Errorf("asked %d times", asked)
	}
}
