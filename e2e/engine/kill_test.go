package engine

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"webstack/e2e/lab"
)

// kills is how often a run is killed before it may complete.
const kills = 6

// TestKilledRunsHeal kills `up` repeatedly at random moments, and expects the next one to complete the stack, with
// nothing created twice and no lock left. Then it does the same to `down`.
func TestKilledRunsHeal(t *testing.T) {
	t.Parallel()
	whole, broken := lab.NewClone(t), lab.NewClone(t)
	whole.MustLaptop("up")
	want := whole.Inventory()
	whole.MustLaptop("destroy")
	begun := time.Now()
	whole.MustLaptop("up") // now with every cache filled and the laptop cloud running, as for the killed runs
	took := time.Since(begun)
	broken.MustLaptop("up")
	broken.MustLaptop("destroy")

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range kills {
		after := time.Duration((0.2 + 0.8*random.Float64()) * float64(took))
		killed := broken.KillLaptop(after, "up")
		t.Logf("up: killed after %v: %v", after, killed)
		if !killed { // it was faster; the next run starts from nothing
			broken.MustLaptop("destroy")
		}
	}
	out := broken.MustLaptop("up")
	sameCounts(t, want, broken.Inventory(), out)
	wholeFilesOnly(t, broken.Dir)
	if out, err := broken.Pulumi("preview", "-s", lab.Stack, "--refresh", "--expect-no-changes"); err != nil {
		t.Errorf("after the healing run: %v\n%s", err, out)
	}
	for range kills {
		after := time.Duration(random.Float64() * float64(took) / 2)
		killed := broken.KillLaptop(after, "destroy")
		t.Logf("destroy: killed after %v: %v", after, killed)
	}
	broken.MustLaptop("destroy")
	sameCounts(t, nil, broken.Inventory(), out)
}

// wholeFilesOnly fails if the state has a file that is not replaced atomically: Pulumi's metadata files, which make the
// state unreadable if Pulumi is killed while it writes one.
func wholeFilesOnly(t *testing.T, dir string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(filepath.Join(dir, ".webstack", "state"), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".attrs" {
			t.Errorf("the state has %s", path)
		}
		found++
		return err
	})
	if err != nil || found < 2 {
		t.Errorf("the state has %d files, error %v", found, err)
	}
}

// sameCounts compares inventories by number: names differ in their generated parts.
func sameCounts(t *testing.T, want, got map[string][]string, out string) {
	t.Helper()
	for kind, names := range got {
		if len(names) != len(want[kind]) {
			t.Errorf("%s: %d, want %d: %v", kind, len(names), len(want[kind]), names)
		}
	}
	for kind, names := range want {
		if len(got[kind]) == 0 {
			t.Errorf("%s: none, want %d", kind, len(names))
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}
