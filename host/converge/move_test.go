package converge

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/contract"
)

// moveTo gives the stack another directory beside the one it has, in which the host program stands already.
func (b *bundle) moveTo(t *testing.T, name string) (old string) {
	t.Helper()
	old = b.dir
	b.dir = filepath.Join(filepath.Dir(old), name)
	b.manifest.StackDir = b.dir
	b.putManifest()
	b.host.dirs = []string{old}
	return old
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// What containers have mounted goes on being the same, and nothing is left in the old place but a link for as long as a
// container was started from there.
func TestStackDirectoryMoves(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	b.mustRun(t)
	live := contract.Hosts{"shop": {Block: 3}}
	if err := os.WriteFile(filepath.Join(b.dir, contract.HostsPath), live.Text(contract.Manifest{}.Edge()), 0o644); err != nil {
		t.Fatal(err)
	}
	mounted, err := os.Stat(filepath.Join(b.dir, "caddy"))
	if err != nil {
		t.Fatal(err)
	}
	old := b.moveTo(t, "elsewhere")
	if out := b.mustRun(t); !strings.Contains(out, "moved the stack directory from "+old) || strings.Contains(out, "wrote env/") {
		t.Errorf("printed:\n%s", out)
	}
	if now, err := os.Stat(filepath.Join(b.dir, "caddy")); err != nil || !os.SameFile(mounted, now) {
		t.Errorf("a container would not see the new files: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(b.dir, contract.HostsPath)); err != nil || !bytes.Equal(text, live.Text(contract.Manifest{}.Edge())) {
		t.Errorf("the live containers are %q, %v", text, err)
	}
	if target, err := os.Readlink(old); err != nil || target != b.dir {
		t.Errorf("the old place leads to %q, %v", target, err)
	}
	before := b.tree(t)
	b.mustRun(t)
	if len(before) != len(b.tree(t)) || !exists(old) {
		t.Error("a second run changed something")
	}
	// Every container was replaced since.
	b.host.dirs = []string{b.dir}
	b.mustRun(t)
	if exists(old) || !exists(filepath.Join(b.dir, "env/shop.env")) {
		t.Error("the link is left, or more than the link is gone")
	}
}

// A run that failed before it could move has written what went wrong; the rest of the state is not lost for that.
func TestStackDirectoryMovesBehindAFailedRun(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	b.mustRun(t)
	if err := os.WriteFile(filepath.Join(b.dir, contract.StateDir, "apps.json"), []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	old := b.moveTo(t, "elsewhere")
	b.host.fail = map[string]error{"mount": errors.New("no volume")}
	if _, err := b.run(t); err == nil {
		t.Fatal("got no error")
	}
	b.host.fail = nil
	b.mustRun(t)
	if !exists(filepath.Join(b.dir, contract.StateDir, "apps.json")) || !exists(old) {
		t.Error("the state is lost")
	}
}

func TestStackDirectoryMovesAndReturns(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	b.mustRun(t)
	first := b.moveTo(t, "elsewhere")
	b.mustRun(t)
	second := b.moveTo(t, filepath.Base(first))
	b.host.dirs = []string{first, second}
	for range 2 {
		b.mustRun(t)
		if !exists(filepath.Join(b.dir, "env/shop.env")) {
			t.Fatal("the env file is gone")
		}
	}
}

func TestForeignFilesStayInTheOldDirectory(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	b.mustRun(t)
	if err := os.WriteFile(filepath.Join(b.dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	old := b.moveTo(t, "elsewhere")
	if out := b.mustRun(t); !strings.Contains(out, "files that do not belong to the stack") {
		t.Errorf("printed:\n%s", out)
	}
	entries, err := os.ReadDir(old)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "notes.txt" && e.Type()&os.ModeSymlink == 0 {
			t.Errorf("%s is left in the old directory", e.Name())
		}
	}
	b.host.dirs = []string{b.dir}
	b.mustRun(t)
	if entries, _ := os.ReadDir(old); len(entries) != 1 || !exists(filepath.Join(b.dir, "caddy")) {
		t.Errorf("left are %v", entries)
	}
}
