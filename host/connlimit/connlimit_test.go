package connlimit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/host/internal/commandtest"
)

// world is a host that does what it is told.
type world struct {
	Options
	run     *commandtest.Runner
	out     bytes.Buffer
	missing bool // somebody removed the rules
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{run: &commandtest.Runner{}}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(unitFile)), 0o755); err != nil {
		t.Fatal(err)
	}
	w.run.Set("systemctl", func(commandtest.Call) (string, error) { return "", nil })
	w.run.Set("iptables", func(c commandtest.Call) (string, error) {
		if w.missing {
			return "", commandtest.Fail("iptables", 1, "Bad rule")
		}
		return "", nil
	})
	w.Options = Options{Bridge: "br-0123456789ab", PerContainer: 47, Total: 92, Run: w.run, Root: root, Out: &w.out}
	return w
}

// ensure returns the calls of systemctl.
func (w *world) ensure(t *testing.T) string {
	t.Helper()
	before := len(w.run.Calls())
	if err := Ensure(t.Context(), w.Options); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, call := range w.run.Calls()[before:] {
		if call.Name == "systemctl" {
			lines = append(lines, call.Args[0])
		}
	}
	return strings.Join(lines, " ")
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const started = "daemon-reload enable restart"
	if got := w.ensure(t); got != started {
		t.Errorf("ran %q", got)
	}
	text, err := os.ReadFile(filepath.Join(w.Root, unitFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nBefore=docker.service\n",
		"\nExecStart=iptables --wait 5 --table mangle --append WEBSTACK-DB --match connlimit --connlimit-above 47 " +
			"--connlimit-mask 32 --connlimit-saddr --jump DROP\n",
		" --connlimit-above 92 --connlimit-mask 0 ",
		"\nExecStart=iptables --wait 5 --table mangle --append FORWARD --out-interface br-0123456789ab --protocol tcp --syn " +
			"--destination-port 5432 --jump WEBSTACK-DB\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	if got := w.ensure(t); got != "" {
		t.Errorf("a second run ran %q", got)
	}
	w.missing = true
	if got := w.ensure(t); got != started {
		t.Errorf("without the rules it ran %q", got)
	}
	w.missing, w.PerContainer = false, 30
	if got := w.ensure(t); got != started {
		t.Errorf("with another limit it ran %q", got)
	}
	w.Bridge = ""
	if got := w.ensure(t); got != "disable daemon-reload" {
		t.Errorf("without Postgres it ran %q", got)
	}
	if got := w.ensure(t); got != "" {
		t.Errorf("a second run without Postgres ran %q", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*Options){
		func(o *Options) { o.Bridge = "br0\nExecStart=x" },
		func(o *Options) { o.PerContainer = 0 },
		func(o *Options) { o.Total = -1 },
	} {
		w := newWorld(t)
		change(&w.Options)
		if err := Ensure(t.Context(), w.Options); err == nil || len(w.run.Calls()) > 0 {
			t.Errorf("%v after %v", err, w.run.Calls())
		}
	}
	w := newWorld(t)
	w.run.Set("systemctl", func(c commandtest.Call) (string, error) {
		if c.Args[0] == "restart" {
			return "", commandtest.Fail("systemctl", 1, "failed")
		}
		return "", nil
	})
	if err := Ensure(t.Context(), w.Options); err == nil || !strings.Contains(err.Error(), "journalctl -u "+unit) {
		t.Errorf("error is %v", err)
	}
}
