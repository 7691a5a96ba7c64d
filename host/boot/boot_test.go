package boot

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/host/internal/commandtest"
	"webstack/host/systemd"
)

// A unit that is active is never stopped: that would stop all containers.
func TestEnsure(t *testing.T) {
	t.Parallel()
	root, run := t.TempDir(), &commandtest.Runner{}
	unitFile := systemd.Unit{Name: Unit}.Path()
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(unitFile)), 0o755); err != nil {
		t.Fatal(err)
	}
	active, broken := false, ""
	run.Set("systemctl", func(c commandtest.Call) (string, error) {
		switch {
		case c.Args[0] == broken:
			return "", commandtest.Fail("systemctl", 1, "no")
		case c.Args[0] == "start":
			active = true
		case c.Args[0] == "is-active" && !active:
			return "", commandtest.Fail("systemctl", 3, "inactive")
		}
		return "", nil
	})
	for _, step := range []struct {
		what, dir, broken string
		kill              bool
		want              string
		fails             bool
	}{
		{"a start that fails", "/opt/webstack", "start", false, "daemon-reload enable start", true},
		{"the next run", "/opt/webstack", "", false, "is-active daemon-reload enable start", false},
		{"again", "/opt/webstack", "", false, "is-active", false},
		{"another directory", "/srv/webstack", "", false, "daemon-reload enable start", false},
		{"somebody has stopped it", "/srv/webstack", "", true, "is-active daemon-reload enable start", false},
	} {
		if step.kill {
			active = false
		}
		broken = step.broken
		before, out := len(run.Calls()), &bytes.Buffer{}
		err := Ensure(t.Context(), Options{StackDir: step.dir, Run: run, Root: root, Out: out})
		var did []string
		for _, call := range run.Calls()[before:] {
			did = append(did, call.Args[0])
		}
		if got := strings.Join(did, " "); got != step.want || (err != nil) != step.fails {
			t.Errorf("%s: ran %q, error %v, want %q", step.what, got, err, step.want)
		}
		text, err := os.ReadFile(filepath.Join(root, unitFile))
		if err != nil || !strings.Contains(string(text), "ExecStop="+step.dir+"/bin/webstackctl down --stack-dir "+step.dir+"\n") {
			t.Errorf("%s: %v\n%s", step.what, err, text)
		}
	}
}
