package converge

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
	"webstack/host/artifacts"
)

func sample() map[string]string {
	return map[string]string{
		contract.HostProgramPath: strings.Repeat("program", 100_000),
		contract.ComposePath:     "services: {}\n",
		contract.CaddyfilePath:   "",
	}
}

// run converges and returns what was printed.
func (b *bundle) run(t *testing.T) (string, error) {
	t.Helper()
	store, err := artifacts.Open(t.Context(), "", b.bucket.Name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = Run(t.Context(), Options{
		Store: store, ManifestSHA256: b.sum, StackDir: b.dir, Host: b.host.host(), Out: &out,
	})
	return out.String(), err
}

func (b *bundle) mustRun(t *testing.T) string {
	t.Helper()
	out, err := b.run(t)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// entry is what there is to know of a path below the stack directory. The inode and the time tell a rewrite.
type entry struct {
	Mode  fs.FileMode
	Text  string
	Inode uint64
	Time  int64
}

// tree lists the files below the stack directory, without what the host remembers of its last run.
func (b *bundle) tree(t *testing.T) map[string]entry {
	t.Helper()
	found := map[string]entry{}
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, contract.LastRunPath) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(b.dir, path)
		inode := info.Sys().(*syscall.Stat_t).Ino
		found[filepath.ToSlash(rel)] = entry{info.Mode(), string(text), inode, info.ModTime().UnixNano()}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

// check fails unless the stack directory holds exactly the bundle, the manifest and the lock.
func (b *bundle) check(t *testing.T, files map[string]string) {
	t.Helper()
	got := map[string]string{}
	for name, e := range b.tree(t) {
		got[name] = e.Mode.String() + " " + e.Text
	}
	want := map[string]string{
		contract.LockPath:             "-rw------- ",
		contract.ManifestPath:         "-rw-r--r-- " + string(b.manifest.Encode()),
		contract.PostgresPasswordPath: "-rw------- " + testPassword,
	}
	for name, text := range files {
		want[name] = "-rw-r--r-- " + text
		if strings.HasPrefix(name, "bin/") {
			want[name] = "-rwxr-xr-x " + text
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stack directory: -want +got:\n%s", diff)
	}
	if _, err := os.Lstat(filepath.Join(b.dir, stageDir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("staging directory is left: %v", err)
	}
}

func TestRunWritesTheBundle(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	out := b.mustRun(t)
	b.check(t, sample())
	want := "wrote bin/webstackctl\nwrote caddy/Caddyfile\nwrote compose/docker-compose.yml\n" +
		"wrote env/postgres-password\n" +
		"converged to manifest " + b.sum[:12] + ": 3 of 3 files changed, 0 removed\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("output: -want +got:\n%s", diff)
	}
}

func TestRunAgainWritesNothing(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	b.mustRun(t)
	before := b.tree(t)
	out := b.mustRun(t)
	if diff := cmp.Diff(before, b.tree(t)); diff != "" {
		t.Errorf("a second run changed files:\n%s", diff)
	}
	if !strings.HasPrefix(out, "converged to") || !strings.Contains(out, ": 0 of 3 files changed, 0 removed\n") {
		t.Errorf("output is %q", out)
	}
	if n := b.bucket.Gets("bundle/" + contract.HostProgramPath); n != 1 {
		t.Errorf("the unchanged program was read %d times", n)
	}
}

func TestRunWritesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	b.mustRun(t)
	before := b.tree(t)
	changed := sample()
	changed[contract.ComposePath] = "services: {shop: {}}\n"
	b.update(t, changed)
	out := b.mustRun(t)
	b.check(t, changed)
	if !strings.HasPrefix(out, "wrote compose/docker-compose.yml\nconverged") {
		t.Errorf("output is %q", out)
	}
	if after := b.tree(t); after[contract.HostProgramPath] != before[contract.HostProgramPath] {
		t.Error("the program was written though it is the same")
	}
}

func TestRunRemovesWhatLeftTheBundle(t *testing.T) {
	t.Parallel()
	more := sample()
	more["compose/old.yml"] = "old"
	b := publish(t, more)
	b.mustRun(t)
	own := filepath.Join(b.dir, "compose", "by-hand")
	if err := os.WriteFile(own, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b.update(t, sample())
	if out := b.mustRun(t); !strings.Contains(out, "removed compose/old.yml\n") {
		t.Errorf("output is %q", out)
	}
	if err := os.Remove(own); err != nil {
		t.Errorf("a file that was never in the bundle is gone: %v", err)
	}
	b.check(t, sample())
}

func TestRunMendsWhatWasChangedByHand(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(path string) error{
		"content":  func(path string) error { return os.WriteFile(path, []byte("services: []\n"), 0o644) },
		"length":   func(path string) error { return os.Truncate(path, 1) },
		"removed":  os.Remove,
		"mode":     func(path string) error { return os.Chmod(path, 0o600) },
		"own mode": func(path string) error { return os.Chmod(path, 0o644|fs.ModeSetuid) },
		"link": func(path string) error {
			return errors.Join(os.Rename(path, path+".moved"), os.Symlink("docker-compose.yml.moved", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := publish(t, sample())
			b.mustRun(t)
			path := filepath.Join(b.dir, contract.ComposePath)
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			if out := b.mustRun(t); !strings.Contains(out, contract.ComposePath) {
				t.Errorf("output %q does not name the file", out)
			}
			_ = os.Remove(path + ".moved")
			b.check(t, sample())
		})
	}
}

func TestRunSurvivesADamagedLastManifest(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	b.mustRun(t)
	if err := os.WriteFile(filepath.Join(b.dir, contract.ManifestPath), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
	b.check(t, sample())
}

func TestRunDoesNotFollowLinksOut(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	outside := t.TempDir()
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(b.dir, "compose")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t); err == nil {
		t.Error("a link out of the stack directory was followed")
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("written outside: %v", left)
	}
}

func TestConcurrentRunsTakeTurns(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := b.run(t); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b.check(t, sample())
	if n := b.bucket.Gets("bundle/" + contract.HostProgramPath); n != 1 {
		t.Errorf("the program was read %d times", n)
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	store, err := artifacts.Open(t.Context(), "", b.bucket.Name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Run(ctx, Options{
		Store: store, ManifestSHA256: b.sum, StackDir: b.dir, Host: b.host.host(), Out: &bytes.Buffer{},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
