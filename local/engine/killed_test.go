package engine

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// killEngine kills the Pulumi process that has locked the stack, as the out-of-memory killer would.
func killEngine(t *testing.T, f *fixture) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(f.dir.State(), ".pulumi", "locks"),
		func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var lock holder
			if err := json.Unmarshal(data, &lock); err != nil {
				return err
			}
			return syscall.Kill(lock.PID, syscall.SIGKILL)
		})
	if err != nil {
		t.Errorf("kill the engine: %v", err)
	}
}

func TestARunKilledAfterACreationIsPickedUp(t *testing.T) {
	t.Parallel()
	three := []thing{{Name: "first", Value: "a"}, {Name: "second", Value: "b"}, {Name: "third", Value: "c"}}
	replaced := []thing{{Name: "first", Value: "a"}, {Name: "second", Value: "b2", Kind: "other"}, {Name: "third", Value: "c"}}
	tests := map[string]struct {
		before, during []thing
		killAt         string
		want           []string
	}{
		"first resource":  {during: three, killAt: "a", want: []string{"a", "b", "c"}},
		"in the middle":   {during: three, killAt: "b", want: []string{"a", "b", "c"}},
		"last resource":   {during: three, killAt: "c", want: []string{"a", "b", "c"}},
		"one is replaced": {before: three, during: replaced, killAt: "b2", want: []string{"a", "b2", "c"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if test.before != nil {
				f.configure(t, test.before...)
				up(t, f)
			}
			f.configure(t, test.during...)
			f.cloud.change(func() {
				f.cloud.onMade = func(value string) {
					if value == test.killAt {
						killEngine(t, f)
					}
				}
			})
			if _, err := f.open(t).Up(t.Context()); err == nil {
				t.Fatal("the killed run reported success")
			}
			f.cloud.change(func() { f.cloud.onMade = nil })

			up(t, f)
			wantValues(t, f, test.want...)
			if said := f.saying(); !strings.Contains(said, "1 created resources adopted") {
				t.Errorf("said %s", said)
			}
			changes := up(t, f)
			if len(changes) != 1 { // only "same"
				t.Errorf("the run after that changed %v", changes)
			}
		})
	}
}
