package swap

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"webstack/host/internal/commandtest"
)

const (
	mebi = 1 << 20
	gibi = 1 << 30
)

// bench is a made-up host whose kernel takes swap.
type bench struct {
	Options
	t   *testing.T
	run *commandtest.Runner
	out bytes.Buffer
	// free is what is free on a disk of total bytes.
	total, free int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, run: &commandtest.Runner{}, total: 16 * gibi, free: 10 * gibi}
	b.Options = Options{Run: b.run, Out: &b.out, Root: t.TempDir(), Disk: func(string) (int64, int64, error) {
		return b.total, b.free, nil
	}}
	for name, text := range map[string]string{active: "Filename Type\n", current: "60\n", "/etc/systemd/system/x": ""} {
		b.write(name, text)
	}
	b.run.Set("systemd-detect-virt", func(commandtest.Call) (string, error) {
		return "", commandtest.Fail("systemd-detect-virt", 1, "")
	})
	b.run.Set("fallocate", func(c commandtest.Call) (string, error) {
		size, err := strconv.ParseInt(c.Args[1], 10, 64)
		if err != nil {
			return "", err
		}
		return "", os.Truncate(c.Args[2], size)
	})
	b.run.Set("mkswap", func(commandtest.Call) (string, error) { return "", nil })
	b.run.Set("systemctl", func(c commandtest.Call) (string, error) {
		if slices.Contains(c.Args, "enable") {
			b.write(active, "Filename Type\n/swapfile file 2097148 0 -2\n")
		}
		return "", nil
	})
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.Root, name) }

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(b.path(name)), 0o755), os.WriteFile(b.path(name), []byte(text), 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) ensure() string {
	b.t.Helper()
	b.out.Reset()
	if err := Ensure(b.t.Context(), b.Options); err != nil {
		b.t.Fatal(err)
	}
	return b.out.String()
}

func (b *bench) size() int64 {
	info, err := os.Stat(b.path(file))
	if err != nil {
		return -1
	}
	if info.Mode() != 0o600 {
		b.t.Errorf("everybody can read what programs have in memory: %v", info.Mode())
	}
	return info.Size()
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if out := b.ensure(); out != "created a swap file of 2048 MiB\n" || b.size() != 2*gibi {
		t.Errorf("printed %q, size %d", out, b.size())
	}
	if text, _ := os.ReadFile(b.path(current)); string(text) != swappiness {
		t.Errorf("swappiness is %s", text)
	}
	if text, _ := os.ReadFile(b.path(settings)); !strings.Contains(string(text), "vm.swappiness = 10") {
		t.Errorf("after a boot: %s", text)
	}
	if text, _ := os.ReadFile(b.path(unitFile)); string(text) != unitText {
		t.Errorf("unit: %s", text)
	}
	b.write(current, swappiness+"\n")
	before := len(b.run.Calls())
	if out := b.ensure(); out != "" || len(b.run.Calls()) != before+1 {
		t.Errorf("again: printed %q, called %v", out, b.run.Lines()[before:])
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ total, free, want int64 }{
		{100 * gibi, 50 * gibi, 2 * gibi},
		{16 * gibi, 10 * gibi, 2 * gibi},
		{8 * gibi, 4 * gibi, 1 * gibi},
		{16 * gibi, 1500*mebi + 5, 476 * mebi},
		{16 * gibi, 1200 * mebi, 0},
		{1 * gibi, 1 * gibi, 0},
	} {
		if got := sizeFor(test.total, test.free); got != test.want {
			t.Errorf("%d of %d: got %d, want %d", test.free, test.total, got, test.want)
		}
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.free = gibi
	if out := b.ensure(); out != "no swap: the disk has only 1024 of 16384 MiB free\n" || b.size() != -1 {
		t.Errorf("printed %q, size %d", out, b.size())
	}
}

func TestContainer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run.Set("systemd-detect-virt", func(commandtest.Call) (string, error) { return "", nil })
	if out := b.ensure(); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "no swap: ") || b.size() != -1 {
		t.Errorf("printed %q", out)
	}
	if text, _ := os.ReadFile(b.path(current)); string(text) != "60\n" {
		t.Error("the setting of the machine was changed")
	}
}

func TestKernelThatRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run.Set("systemctl", func(c commandtest.Call) (string, error) {
		if slices.Contains(c.Args, "enable") {
			return "", commandtest.Fail("systemctl", 1, "Invalid argument")
		}
		return "", nil
	})
	for range 2 {
		if out := b.ensure(); !strings.Contains(out, "no swap: the kernel refuses it: systemctl: exit code 1") || b.size() != -1 {
			t.Errorf("printed %q, size %d", out, b.size())
		}
		if _, err := os.Stat(b.path(unitFile)); err == nil {
			t.Error("the unit is left")
		}
	}
}

// A run is killed at each program: the next one completes the work.
func TestKilledAtEachProgram(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fallocate", "mkswap", "systemctl"} {
		b := newBench(t)
		works := b.run.Program(name)
		b.run.Set(name, func(commandtest.Call) (string, error) { panic("killed") })
		func() {
			defer func() {
				if p := recover(); p != "killed" {
					t.Errorf("%s: %v", name, p)
				}
			}()
			_ = Ensure(t.Context(), b.Options)
		}()
		b.run.Set(name, works)
		if b.ensure(); b.size() != 2*gibi {
			t.Errorf("%s: size %d", name, b.size())
		}
		if text, _ := os.ReadFile(b.path(active)); !strings.Contains(string(text), file) {
			t.Errorf("%s: in use:\n%s", name, text)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault func(b *bench)
		want  string
	}{
		"mkswap": {func(b *bench) {
			b.run.Set("mkswap", func(commandtest.Call) (string, error) { return "", commandtest.Fail("mkswap", 1, "no") })
		}, "set up swap: mkswap: exit code 1: no"},
		"full disk": {func(b *bench) {
			b.run.Set("fallocate", func(commandtest.Call) (string, error) { return "", commandtest.Fail("fallocate", 1, "full") })
		}, "set up swap: fallocate: exit code 1: full"},
		"disk": {func(b *bench) {
			b.Disk = func(string) (int64, int64, error) { return 0, 0, errors.New("gone") }
		}, "set up swap: gone"},
		"kernel without swap": {func(b *bench) { _ = os.Remove(b.path(active)) }, "set up swap"},
		"no setting":          {func(b *bench) { _ = os.Remove(b.path(current)) }, "set swappiness"},
		"taken":               {func(b *bench) { b.write(unitFile+"/x", "") }, "is a directory"},
	} {
		b := newBench(t)
		test.fault(b)
		if err := Ensure(t.Context(), b.Options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
