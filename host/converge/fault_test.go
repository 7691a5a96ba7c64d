package converge

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
	"webstack/host/internal/s3test"
)

const composeKey = "bundle/" + contract.ComposePath

// Whatever is wrong with the bundle: an error that says what, nothing changed, and the next good run heals.
func TestRunChangesNothingOnAFault(t *testing.T) {
	t.Parallel()
	broken := func(content string) func(*bundle) {
		return func(b *bundle) {
			b.bucket.Fault(func(w http.ResponseWriter, key string, _ int) bool {
				if key == composeKey {
					s3test.Truncate(w, []byte(content))
				}
				return false
			})
		}
	}
	for name, c := range map[string]struct {
		fault func(b *bundle)
		want  string
	}{
		"missing manifest": {func(b *bundle) { b.bucket.Delete(contract.ManifestKey) }, "run pulumi up"},
		"other manifest": {func(b *bundle) {
			b.manifest.PostgresUser = "other"
			b.bucket.Put(contract.ManifestKey, b.manifest.Encode())
		}, "check manifest: it has the checksum"},
		"bad manifest": {func(b *bundle) {
			b.bucket.Put(contract.ManifestKey, []byte("{}"))
			b.sum = contract.Sum([]byte("{}"))
		}, "decode manifest: version"},
		"long manifest": {func(b *bundle) {
			b.bucket.Put(contract.ManifestKey, make([]byte, contract.MaxManifestBytes+1))
		}, "longer than"},
		"other stack directory": {func(b *bundle) { b.manifest.StackDir += "2"; b.putManifest() }, "for the stack directory"},
		"missing object":        {func(b *bundle) { b.bucket.Delete(composeKey) }, "s3://"},
		"wrong sum":             {func(b *bundle) { b.bucket.Put(composeKey, []byte("services: {blog: {}}\n")) }, "sum"},
		"longer":                {func(b *bundle) { b.bucket.Put(composeKey, make([]byte, 1000)) }, "than the 21 bytes"},
		"empty":                 {func(b *bundle) { b.bucket.Put(composeKey, nil) }, "it has 0 bytes"},
		"broken connection":     {broken("services: {shop: {}}\n"), "the connection broke after 10 of 21 bytes"},
		"denied": {func(b *bundle) {
			b.bucket.Fault(func(w http.ResponseWriter, key string, _ int) bool {
				if key == composeKey {
					s3test.Error(w, http.StatusForbidden, "AccessDenied")
				}
				return key == composeKey
			})
		}, "AccessDenied"},
		"changed midway": {func(b *bundle) {
			b.bucket.Fault(func(_ http.ResponseWriter, key string, _ int) bool {
				if key == contract.ManifestKey {
					// Another publication replaces the file once the manifest is being read.
					b.bucket.Put(composeKey, []byte("services: {next: {}}\n"))
				}
				return false
			})
		}, "check object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := publish(t, sample())
			b.mustRun(t)
			before := b.tree(t)
			next := map[string]string{contract.ComposePath: "services: {shop: {}}\n", contract.CaddyfilePath: "next"}
			b.update(t, next)
			c.fault(b)
			out, err := b.run(t)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not contain %q", err, c.want)
			}
			if diff := cmp.Diff(before, b.tree(t)); diff != "" || out != "" {
				t.Errorf("files changed, printed %q:\n%s", out, diff)
			}
			b.bucket.Fault(nil)
			b.update(t, next)
			b.mustRun(t)
			b.check(t, next)
		})
	}
}

func TestRunReadsAgainWhenAConnectionBreaks(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	b.bucket.Fault(func(w http.ResponseWriter, key string, n int) bool {
		if key == composeKey && n < attempts {
			s3test.Truncate(w, []byte(sample()[contract.ComposePath]))
		}
		return false
	})
	b.mustRun(t)
	b.check(t, sample())
	if n := b.bucket.Gets(composeKey); n != attempts {
		t.Errorf("read %d times", n)
	}
}

// A disk that cannot take the files: something else stands where a directory or a file has to be.
func TestRunChangesNothingWhereItCannotWrite(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]func(dir string) error{
		"file for a directory": func(dir string) error { return os.WriteFile(filepath.Join(dir, "compose"), nil, 0o644) },
		"directory for a file": func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, contract.ComposePath), 0o755)
		},
		"file for staging": func(dir string) error { return os.WriteFile(filepath.Join(dir, "bundle"), nil, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := publish(t, sample())
			if err := errors.Join(os.Mkdir(b.dir, 0o755), block(b.dir)); err != nil {
				t.Fatal(err)
			}
			if _, err := b.run(t); err == nil {
				t.Error("no error")
			}
			for name := range b.tree(t) {
				if name != contract.LockPath && name != "compose" && name != "bundle" {
					t.Errorf("%s was written", name)
				}
			}
			if err := os.RemoveAll(b.dir); err != nil {
				t.Fatal(err)
			}
			b.mustRun(t)
			b.check(t, sample())
		})
	}
}

// Killed behind each line it prints, a run leaves only whole files, and the next run completes the work.
func TestRunHealsAfterAKill(t *testing.T) {
	t.Parallel()
	old := sample()
	old["compose/old.yml"] = "old"
	next := map[string]string{
		contract.HostProgramPath: strings.Repeat("newer", 100_000),
		contract.ComposePath:     "services: {shop: {}}\n",
		contract.CaddyfilePath:   "next",
	}
	const lines = 5 // three files, one removal, the summary
	for n := 1; n <= lines; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			b := publish(t, old)
			b.mustRun(t)
			b.update(t, next)
			if state := b.runChild(t, n); state.Success() {
				t.Fatalf("the child was not killed at line %d", n)
			}
			for name, e := range b.tree(t) {
				if _, known := old[name]; known && e.Text != old[name] && e.Text != next[name] {
					t.Errorf("%s is neither old nor new: %.40q", name, e.Text)
				}
			}
			b.mustRun(t)
			b.check(t, next)
		})
	}
}

// Killed while it downloads, a run has changed nothing.
func TestRunHealsAfterAKillWhileDownloading(t *testing.T) {
	t.Parallel()
	b := publish(t, sample())
	b.mustRun(t)
	before := b.tree(t)
	next := map[string]string{contract.CaddyfilePath: "next", contract.ComposePath: "services: {shop: {}}\n"}
	b.update(t, next)
	child, started := b.child(t, 100), make(chan struct{})
	b.bucket.Fault(func(_ http.ResponseWriter, key string, _ int) bool {
		if key == composeKey {
			// The Caddyfile is staged by now; the child dies while it waits for this object.
			<-started
			_ = child.Process.Kill()
		}
		return false
	})
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if err := child.Wait(); err == nil {
		t.Fatal("the child was not killed")
	}
	after := b.tree(t)
	if _, staged := after[stageDir+"/0"]; !staged {
		t.Error("the child staged nothing before it was killed")
	}
	for name := range before {
		if before[name] != after[name] {
			t.Errorf("%s changed", name)
		}
	}
	b.bucket.Fault(nil)
	b.mustRun(t)
	b.check(t, next)
}

// child is a process that converges and kills itself behind so many lines.
func (b *bundle) child(t *testing.T, lines int) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childBucket+"="+b.bucket.Name, childSum+"="+b.sum, childDir+"="+b.dir,
		childLines+"="+strconv.Itoa(lines))
	return cmd
}

func (b *bundle) runChild(t *testing.T, lines int) *os.ProcessState {
	t.Helper()
	cmd := b.child(t, lines)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState
}
