package volume

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webstack/host/internal/commandtest"
)

const id = "vol-0123456789abcdef0"

// bench is a made-up host: the device is a file, and its programs do what they are told.
type bench struct {
	t      *testing.T
	system System
	device string
	run    *commandtest.Runner
}

const mebi = 1 << 20

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	b := &bench{t: t, device: in("device"), run: &commandtest.Runner{}, system: System{
		DataDir: in("data volume"), Links: in("links"), Mounts: in("mounts"), Units: in("units"), Lock: in("lock"),
		Mark: in("mark"),
	}}
	for _, made := range []string{b.system.Links, b.system.Units} {
		b.must(os.Mkdir(made, 0o755))
	}
	b.must(os.WriteFile(b.device, make([]byte, 1*mebi), 0o600))
	b.mount(false)
	for _, name := range []string{"e2fsck", "systemctl", "resize2fs", "wipefs"} {
		b.run.Set(name, func(commandtest.Call) (string, error) { return "", nil })
	}
	b.run.Set("mount", func(commandtest.Call) (string, error) { b.mount(true); return "", nil })
	b.run.Set("mkfs.ext4", func(commandtest.Call) (string, error) { b.format(1); return "", nil })
	b.run.Set("blkid", func(commandtest.Call) (string, error) {
		if text, err := os.ReadFile(b.device); err == nil && len(text) > 2048 && text[1024+0x38] == 0x53 {
			return "DEVNAME=x\nUUID=y\nTYPE=ext4\nUSAGE=filesystem\n", nil
		}
		return "", commandtest.Fail("blkid", 2, "")
	})
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) attach() {
	b.t.Helper()
	b.must(os.Symlink(b.device, filepath.Join(b.system.Links, "nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0")))
}

// mount writes the list of mounts as the kernel does.
func (b *bench) mount(mounted bool) {
	b.t.Helper()
	text := "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
	if mounted {
		text += "70 22 0:0 / " + strings.ReplaceAll(b.system.DataDir, " ", `\040`) + " rw,noatime shared:9 - ext4 /dev/nvme1n1 rw\n"
	}
	b.must(os.WriteFile(b.system.Mounts, []byte(text), 0o644))
}

// format writes what is read of a file system of so many MiB.
func (b *bench) format(mebibytes uint32) {
	b.t.Helper()
	super := make([]byte, 1024)
	binary.LittleEndian.PutUint16(super[0x38:], 0xef53)
	binary.LittleEndian.PutUint32(super[0x18:], 2) // blocks of 4 KiB
	binary.LittleEndian.PutUint32(super[0x04:], mebibytes*256)
	f, err := os.OpenFile(b.device, os.O_RDWR, 0)
	b.must(err)
	defer func() { _ = f.Close() }()
	_, err = f.WriteAt(super, 1024)
	b.must(err)
}

func (b *bench) ensure(wait time.Duration) (string, error) {
	var out bytes.Buffer
	err := Ensure(b.t.Context(), Options{
		ID: id, Wait: wait, StackDir: "/opt/webstack", Run: b.run, Out: &out, System: b.system,
	})
	return out.String(), err
}

// called are the programs that were run since.
func (b *bench) called(since int) []string {
	var names []string
	for _, c := range b.run.Calls()[since:] {
		names = append(names, c.Name)
	}
	return names
}

func TestNewVolume(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attach()
	out, err := b.ensure(0)
	if err != nil || !strings.Contains(out, "formatted data volume "+id) || !strings.Contains(out, "mounted") {
		t.Errorf("%v, printed:\n%s", err, out)
	}
	want := []string{"systemctl", "blkid", "wipefs", "mkfs.ext4", "mount"}
	if got := b.called(0); !slices.Equal(got, want) {
		t.Errorf("called %v, want %v", got, want)
	}
	unit, err := os.ReadFile(filepath.Join(b.system.Units, Unit))
	if err != nil || !strings.Contains(string(unit), "\nExecStart="+BootCommand("/opt/webstack", id)+"\n") {
		t.Errorf("%v, unit:\n%s", err, unit)
	}
	dropIn, err := os.ReadFile(filepath.Join(b.system.Units, "docker.service.d", "webstack.conf"))
	if err != nil || !strings.Contains(string(dropIn), "\nRequires="+Unit+"\nAfter="+Unit+"\n") {
		t.Errorf("%v, drop-in:\n%s", err, dropIn)
	}
	if _, err := os.Stat(b.system.Mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark is left: %v", err)
	}
	before := len(b.run.Calls())
	if out, err := b.ensure(0); err != nil || out != "" || len(b.called(before)) > 0 {
		t.Errorf("again: %v, printed %q, called %v", err, out, b.called(before))
	}
}

func TestVolumeWithAFileSystem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attach()
	b.format(1)
	if out, err := b.ensure(0); err != nil || strings.Contains(out, "formatted") {
		t.Errorf("%v, printed:\n%s", err, out)
	}
	if got, want := b.called(0), []string{"systemctl", "blkid", "e2fsck", "mount"}; !slices.Equal(got, want) {
		t.Errorf("called %v, want %v", got, want)
	}
}

func TestVolumeThatComesLate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run.Set("systemctl", func(commandtest.Call) (string, error) {
		// From here on the volume is waited for.
		time.AfterFunc(2*poll, b.attach)
		return "", nil
	})
	if out, err := b.ensure(time.Minute); err != nil {
		t.Errorf("%v, printed:\n%s", err, out)
	}
}

func TestMissingVolume(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.ensure(0)
	if err == nil || !strings.Contains(err.Error(), "attach the volume") || !strings.Contains(err.Error(), id) {
		t.Errorf("error is %v", err)
	}
	if got := b.called(0); !slices.Equal(got, []string{"systemctl"}) {
		t.Errorf("called %v", got)
	}
	if _, err := os.Stat(filepath.Join(b.system.Units, "docker.service.d", "webstack.conf")); err != nil {
		t.Errorf("Docker may start without the volume: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Ensure(ctx, Options{ID: id, Wait: time.Hour, Run: b.run, Out: &bytes.Buffer{}, System: b.system})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestWrongID(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "vol-1", "vol-0123456789abcdeg0", "../vol-0123456789abcdef0", id + "\n"} {
		err := Ensure(t.Context(), Options{ID: wrong, System: System{Lock: filepath.Join(t.TempDir(), "lock")}})
		if err == nil || !strings.Contains(err.Error(), "is not the id of an EBS volume") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// Whatever goes wrong: nothing is formatted or mounted, and the error says what to do.
func TestFaultsOfAVolume(t *testing.T) {
	t.Parallel()
	fails := func(name string, code int, message string) func(*bench) {
		return func(b *bench) {
			b.run.Set(name, func(commandtest.Call) (string, error) { return "", commandtest.Fail(name, code, message) })
		}
	}
	prints := func(name, text string) func(*bench) {
		return func(b *bench) { b.run.Set(name, func(commandtest.Call) (string, error) { return text, nil }) }
	}
	formatted := func(fault func(*bench)) func(*bench) { return func(b *bench) { b.format(1); fault(b) } }
	for name, test := range map[string]struct {
		fault func(b *bench)
		want  string
	}{
		"another file system": {prints("blkid", "DEVNAME=x\nTYPE=xfs\n"), "it contains xfs, not an ext4"},
		"partitions":          {prints("blkid", "DEVNAME=x\nPTTYPE=gpt\n"), "it contains gpt, not an ext4"},
		"something":           {prints("blkid", "DEVNAME=x\n"), "it contains something unknown"},
		"ambivalent":          {fails("blkid", 8, ""), "more than one kind of content"},
		"blkid fails":         {fails("blkid", 4, "usage"), "look for a file system: blkid: exit code 4: usage"},
		"a signature":         {prints("wipefs", "0x0,,,LVM2_member\n"), "has a signature"},
		"wipefs fails":        {fails("wipefs", 1, "no"), "look for signatures"},
		"broken file system":  {formatted(fails("e2fsck", 4, "UNEXPECTED INCONSISTENCY")), "run e2fsck "},
		"mount fails":         {formatted(fails("mount", 32, "bad option")), "mount: exit code 32: bad option"},
		"mkfs fails":          {fails("mkfs.ext4", 1, "no space"), "mkfs.ext4: exit code 1"},
		"systemd fails":       {fails("systemctl", 1, "not running"), "systemctl: exit code 1: not running"},
		"another device there": {func(b *bench) {
			b.must(os.WriteFile(b.system.Mounts, []byte("70 22 8:2 / "+strings.ReplaceAll(b.system.DataDir, " ", `\040`)+
				" rw - ext4 /dev/sda2 rw\n"), 0o644))
		}, "/dev/sda2 (device 8:2) is mounted at"},
		"a directory of it there": {func(b *bench) {
			b.must(os.WriteFile(b.system.Mounts, []byte("70 22 0:0 /sub "+strings.ReplaceAll(b.system.DataDir, " ", `\040`)+
				" rw - ext4 /dev/x rw\n"), 0o644))
		}, "unmount it"},
		"not zero": {func(b *bench) { b.must(os.WriteFile(b.device, []byte("\x00\x00data"), 0o600)) }, "something at byte 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.attach()
			test.fault(b)
			before, _ := os.ReadFile(b.device)
			out, err := b.ensure(0)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if after, _ := os.ReadFile(b.device); !bytes.Equal(before, after) {
				t.Error("the device was written to")
			}
			if strings.Contains(out, "mounted data") || strings.Contains(out, "formatted") {
				t.Errorf("printed %q", out)
			}
		})
	}
}

func TestVolumeIsMended(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attach()
	b.format(1)
	b.run.Set("e2fsck", func(commandtest.Call) (string, error) { return "", commandtest.Fail("e2fsck", 1, "") })
	if out, err := b.ensure(0); err != nil || !strings.Contains(out, "repaired the file system") {
		t.Errorf("%v, printed %q", err, out)
	}
}

func TestVolumeGrows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mounted, refused bool
		want             string
		calls            []string
	}{
		{false, false, "grew the file system of data volume " + id + " from 1 to 400 MiB",
			[]string{"systemctl", "blkid", "e2fsck", "e2fsck", "resize2fs", "mount"}},
		{true, false, "grew the file system", []string{"systemctl", "resize2fs"}},
		{true, true, "will grow from 1 to 400 MiB at the next boot", []string{"systemctl", "resize2fs"}},
	} {
		b := newBench(t)
		b.attach()
		b.format(1)
		b.must(os.Truncate(b.device, 400*mebi))
		if test.mounted {
			b.must(os.Mkdir(b.system.DataDir, 0o755))
			b.mount(true)
		}
		if test.refused {
			b.run.Set("resize2fs", func(commandtest.Call) (string, error) {
				return "", commandtest.Fail("resize2fs", 1, "Permission denied")
			})
		}
		out, err := b.ensure(0)
		if err != nil || !strings.Contains(out, test.want) || !slices.Equal(b.called(0), test.calls) {
			t.Errorf("%+v: %v, called %v, printed:\n%s", test, err, b.called(0), out)
		}
	}
}

// A run is killed at each program in turn: the next one completes the work.
func TestKilledAtEachProgram(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"systemctl", "blkid", "wipefs", "mkfs.ext4", "mount"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.attach()
			works := b.run.Program(name)
			b.run.Set(name, func(commandtest.Call) (string, error) {
				if name == "mkfs.ext4" {
					// It has written something, but not what it is recognised by.
					b.must(os.WriteFile(b.device, append([]byte("half"), make([]byte, 1*mebi)...), 0o600))
				}
				return "", context.Canceled
			})
			if out, err := b.ensure(0); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v, printed:\n%s", err, out)
			}
			b.run.Set(name, works)
			before := len(b.run.Calls())
			if out, err := b.ensure(0); err != nil || !strings.Contains(out, "mounted") {
				t.Errorf("%v, printed:\n%s", err, out)
			}
			if name == "systemctl" && !slices.Contains(b.called(before), "systemctl") {
				t.Error("systemd has not read the units")
			}
			if out, err := b.ensure(0); err != nil || out != "" {
				t.Errorf("again: %v, printed %q", err, out)
			}
		})
	}
}

// The volume was replaced, such as by one made of a snapshot.
func TestAnotherVolume(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attach()
	if _, err := b.ensure(0); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := Ensure(t.Context(), Options{ID: "vol-00000000", StackDir: "/p", Run: b.run, Out: &out, System: b.system})
	if err == nil || !strings.Contains(err.Error(), "vol-00000000") {
		t.Errorf("error is %v", err)
	}
	unit, _ := os.ReadFile(filepath.Join(b.system.Units, Unit))
	if !strings.Contains(string(unit), "--volume vol-00000000 ") {
		t.Errorf("unit:\n%s", unit)
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "/a": "/a", `/a\040b\134c`: `/a b\c`, `/a\`: `/a\`, `/a\9xx`: `/a\9xx`, `\777`: `\777`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
