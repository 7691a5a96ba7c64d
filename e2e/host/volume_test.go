package host

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"webstack/host/command"
	hostdisk "webstack/host/disk"
	"webstack/host/volume"
)

const volumeID = "vol-0123456789abcdef0"

// disk is a volume: an image file behind a loop device, and the places where the host program expects things.
type disk struct {
	t      *testing.T
	image  string
	device string
	system volume.System
	runner *systemd
}

// systemd replaces systemctl, because tests must not change this computer's systemd. Tests can also make it fail other
// programs.
type systemd struct {
	command.Exec
	spoil map[string]func() error
}

func (s *systemd) Run(ctx context.Context, c command.Command) ([]byte, error) {
	if c.Name == "systemctl" {
		return nil, nil
	}
	if spoil, ok := s.spoil[c.Name]; ok {
		return nil, spoil()
	}
	return s.Exec.Run(ctx, c)
}

// newDisk attaches a new, empty volume.
func newDisk(t *testing.T, mebibytes int64) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to attach a loop device and mount it")
	}
	if out, err := exec.CommandContext(t.Context(), "losetup", "--find").CombinedOutput(); err != nil {
		t.Skipf("no loop device can be used: %v: %s", err, out)
	}
	dir := t.TempDir()
	d := &disk{t: t, image: filepath.Join(dir, "image"), runner: &systemd{spoil: map[string]func() error{}}}
	d.system = volume.System{
		DataDir: filepath.Join(dir, "data"), Links: filepath.Join(dir, "links"), Units: filepath.Join(dir, "units"),
		Lock: filepath.Join(dir, "lock"), Mark: filepath.Join(dir, "mark"),
	}
	for _, path := range []string{d.system.Links, d.system.Units} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d.resize(mebibytes)
	d.attach()
	return d
}

func (d *disk) resize(mebibytes int64) {
	d.t.Helper()
	f, err := os.OpenFile(d.image, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Truncate(mebibytes << 20); err != nil {
		d.t.Fatal(err)
	}
}

// attach gives the image a device, linked as a host links it.
func (d *disk) attach() {
	d.t.Helper()
	d.device = strings.TrimSpace(d.sh("losetup", "--find", "--show", d.image))
	link := filepath.Join(d.system.Links, "nvme-Amazon_Elastic_Block_Store_vol"+volumeID[len("vol-"):])
	_ = os.Remove(link)
	if err := os.Symlink(d.device, link); err != nil {
		d.t.Fatal(err)
	}
	device := d.device
	d.t.Cleanup(func() {
		_ = exec.Command("umount", d.system.DataDir).Run()
		if out, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
			d.t.Errorf("detach %s: %v: %s", device, err, out)
		}
	})
}

func (d *disk) sh(name string, args ...string) string {
	d.t.Helper()
	out, err := exec.CommandContext(d.t.Context(), name, args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return string(out)
}

// ensure mounts the volume and returns what was printed.
func (d *disk) ensure() (string, error) {
	var out bytes.Buffer
	err := volume.Ensure(d.t.Context(), volume.Options{
		ID: volumeID, StackDir: "/opt/webstack", Run: d.runner, Out: &out, System: d.system,
	})
	return out.String(), err
}

func (d *disk) must(want string) {
	d.t.Helper()
	out, err := d.ensure()
	if err != nil {
		d.t.Fatal(err)
	}
	if want == "" && out != "" || !strings.Contains(out, want) {
		d.t.Errorf("printed %q, want %q", out, want)
	}
}

// write puts bytes on the device.
func (d *disk) write(at int64, content []byte) error {
	f, err := os.OpenFile(d.device, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt(content, at); err != nil {
		return err
	}
	return f.Sync()
}

func (d *disk) keep(text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.system.DataDir, "kept"), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) checkKept(text string) {
	d.t.Helper()
	if got, err := os.ReadFile(filepath.Join(d.system.DataDir, "kept")); err != nil || string(got) != text {
		d.t.Errorf("what was on the volume is %q, %v", got, err)
	}
}

func TestNewVolume(t *testing.T) {
	d := newDisk(t, 600)
	d.must("formatted data volume " + volumeID)
	for _, name := range []string{"postgres", "caddy", "dumps"} {
		if info, err := os.Stat(filepath.Join(d.system.DataDir, name)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	d.keep("data")
	d.must("")
	d.sh("umount", d.system.DataDir)
	d.must("mounted data volume " + volumeID)
	d.checkKept("data")
}

func TestVolumeGrows(t *testing.T) {
	d := newDisk(t, 300)
	d.must("formatted")
	d.keep("data")
	d.resize(1024)
	d.sh("losetup", "--set-capacity", d.device)
	// A kernel may refuse to do it while it is mounted; then the next boot does it.
	d.must("the file system of data volume " + volumeID)
	d.sh("umount", d.system.DataDir)
	d.must("mounted")
	d.must("")
	d.checkKept("data")
	if out := d.sh("df", "--block-size=1M", "--output=size", d.system.DataDir); !strings.Contains(out, " 9") {
		t.Errorf("the file system has not grown: %s", out)
	}
}

// The machine lost its power while the volume was mounted: the image is copied as it is on the disk in that moment.
func TestVolumeAfterAPowerCut(t *testing.T) {
	d := newDisk(t, 300)
	d.must("formatted")
	d.keep("data")
	d.sh("sync", "--file-system", d.system.DataDir)
	d.keep("data")
	copied := d.image + ".copy"
	d.sh("cp", "--sparse=always", d.image, copied)
	d.sh("umount", d.system.DataDir)
	d.image = copied
	d.attach()
	d.must("mounted data volume")
	d.checkKept("data")
}

func TestVolumeIsRepaired(t *testing.T) {
	d := newDisk(t, 300)
	d.must("formatted")
	d.keep("data")
	d.sh("umount", d.system.DataDir)
	for _, damage := range []string{"free_blocks_count 1", "state 2"} {
		d.sh("debugfs", "-w", "-R", "set_super_value "+damage, d.device)
	}
	d.must("repaired the file system")
	d.checkKept("data")
}

// mkfs was killed midway: what it left is not a file system, and not empty either.
func TestFormatContinuesAfterAKill(t *testing.T) {
	d := newDisk(t, 300)
	d.runner.spoil["mkfs.ext4"] = func() error {
		if err := d.write(2<<20, []byte("half of a file system")); err != nil {
			return err
		}
		return context.Canceled
	}
	if out, err := d.ensure(); err == nil {
		t.Fatalf("no error, printed %q", out)
	}
	delete(d.runner.spoil, "mkfs.ext4")
	d.must("formatted")
	d.must("")
}

// Whatever could be data is left alone.
func TestVolumeWithContentIsNotFormatted(t *testing.T) {
	for name, test := range map[string]struct {
		fill func(d *disk)
		want string
	}{
		"another file system": {func(d *disk) { d.sh("mkswap", d.device) }, "it contains swap, not an ext4"},
		"partitions": {func(d *disk) {
			table := make([]byte, 512)
			copy(table[446:], []byte{0, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0, 8, 0, 0})
			table[510], table[511] = 0x55, 0xaa
			if err := d.write(0, table); err != nil {
				d.t.Fatal(err)
			}
		}, "it contains dos, not an ext4"},
		"unknown content": {func(d *disk) {
			if err := d.write(1<<20, []byte("encrypted")); err != nil {
				d.t.Fatal(err)
			}
		}, "there is something at byte 1048576"},
		"content at the end": {func(d *disk) {
			if err := d.write(300<<20-9, []byte("encrypted")); err != nil {
				d.t.Fatal(err)
			}
		}, "there is something at byte 314572791"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t, 300)
			test.fill(d)
			sum := d.sh("sha256sum", d.device)
			for range 2 {
				if out, err := d.ensure(); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("printed %q, error %v, want %q", out, err, test.want)
				}
			}
			if d.sh("sha256sum", d.device) != sum {
				t.Error("the volume was changed")
			}
		})
	}
}

// When programs that do not run as root have filled the volume, as Postgres may, root still has space: Caddy for its
// certificates, and the host program.
func TestFullVolumeHasSpaceForRoot(t *testing.T) {
	t.Parallel()
	d := newDisk(t, 128)
	d.must("formatted")
	full, err := os.Create(filepath.Join(d.system.DataDir, "full"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	// The path leads through directories that only root may enter, so another user gets the open file.
	var said bytes.Buffer
	fill := exec.CommandContext(t.Context(), "cat", "/dev/zero")
	fill.Stdout, fill.Stderr = full, &said
	fill.SysProcAttr = unprivileged(t, full.Name())
	if err := fill.Run(); err == nil || !strings.Contains(said.String(), "No space left") {
		t.Fatalf("filling ends with %v: %s", err, said.String())
	}
	total, free, err := hostdisk.Space(d.system.DataDir)
	if err != nil || free > total/100 {
		t.Errorf("%d of %d bytes are free, %v", free, total, err)
	}
	if err := os.WriteFile(filepath.Join(d.system.DataDir, "certificate"), bytes.Repeat([]byte("x"), 512<<10), 0o600); err != nil {
		t.Error(err)
	}
}

// When apps that run as root have filled a disk to the last byte, the host program still has the space that it
// reserved.
func TestFullDiskHasSpaceForTheHostProgram(t *testing.T) {
	t.Parallel()
	d := newDisk(t, 600)
	d.must("formatted")
	root, err := os.OpenRoot(d.system.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	var said bytes.Buffer
	reserve := hostdisk.Reserve{Root: root, Name: "state/reserve", Out: &said}
	if err := reserve.Close(); err != nil || !strings.Contains(said.String(), "reserved") {
		t.Fatalf("error %v, said %q", err, said.String())
	}
	fill := exec.CommandContext(t.Context(), "dd", "if=/dev/zero", "bs=1M", "of="+filepath.Join(d.system.DataDir, "full"))
	if out, err := fill.CombinedOutput(); err == nil || !strings.Contains(string(out), "No space left") {
		t.Fatalf("filling ends with %v: %s", err, out)
	}
	change := bytes.Repeat([]byte("x"), 1<<20)
	if err := root.WriteFile("change", change, 0o600); err == nil {
		t.Fatal("there is space left")
	}
	if err := reserve.Open(); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile("change", change, 0o600); err != nil {
		t.Error(err)
	}
}
