package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"webstack/contract"
	"webstack/host/command"
	"webstack/internal/filelock"
)

// Options say which volume to mount.
type Options struct {
	// ID is the ID of the volume, such as vol-0123456789abcdef0.
	ID string
	// Wait is how long the volume may take to appear; it is attached while the host boots.
	Wait time.Duration
	// StackDir is the stack directory, with the webstackctl that mounts the volume at every boot.
	StackDir string
	// Run runs the system's programs.
	Run command.Runner
	// Out gets a line for each change.
	Out io.Writer
	// System has the paths of the system; the zero value is the real system.
	System System
}

// System has the paths that this package reads and writes. An empty field means the usual path.
type System struct {
	// DataDir is where the volume is mounted.
	DataDir string
	// Links is the directory with a link to each disk, named by its ID.
	Links string
	// Mounts is the list of what is mounted, as in /proc/self/mountinfo.
	Mounts string
	// Units is the directory for systemd's units.
	Units string
	// Lock is the lock file that lets only one call at a time work on the volume. It is not the stack's lock: the holder
	// of that one may start Docker, which waits for the volume.
	Lock string
	// Mark is a file that says that a volume, which was proved empty, is being formatted.
	Mark string
}

func (s System) withDefaults() System {
	for _, field := range []struct {
		value *string
		usual string
	}{
		{&s.DataDir, contract.DataDir},
		{&s.Links, "/dev/disk/by-id"},
		{&s.Mounts, "/proc/self/mountinfo"},
		{&s.Units, "/etc/systemd/system"},
		{&s.Lock, "/run/webstack-data.lock"},
		{&s.Mark, contract.DataDir + ".formatting"},
	} {
		if *field.value == "" {
			*field.value = field.usual
		}
	}
	return s
}

// Ensure formats the volume if it is new, repairs it if necessary, mounts it, grows its file system to the size of the
// volume, creates the directories on it, and makes sure that the same happens at every boot before Docker starts. If
// all of that is done, it changes nothing.
func Ensure(ctx context.Context, o Options) error {
	if err := contract.CheckVolumeID(o.ID); err != nil {
		return fmt.Errorf("mount data volume: %w", err)
	}
	o.System = o.System.withDefaults()
	release, err := filelock.Acquire(ctx, o.System.Lock, func() {
		_, _ = fmt.Fprintln(o.Out, "waiting for another run to finish with the data volume")
	})
	if err != nil {
		return err
	}
	defer release()
	v := &volume{Options: o}
	// The units come first: even if the volume is missing, they keep Docker from starting.
	if err := v.installUnits(ctx); err != nil {
		return err
	}
	if err := v.mount(ctx); err != nil {
		return fmt.Errorf("mount data volume %s: %w", o.ID, err)
	}
	return v.makeDirectories()
}

type volume struct {
	Options
	device string // such as /dev/nvme1n1
}

// poll is how often to look for a missing device.
const poll = 250 * time.Millisecond

// find waits for the device. The link's name is the serial number of the disk: the volume's ID without the dash.
func (v *volume) find(ctx context.Context) error {
	link := filepath.Join(v.System.Links, "nvme-Amazon_Elastic_Block_Store_vol"+v.ID[len("vol-"):])
	for end := time.Now().Add(v.Wait); ; {
		device, err := filepath.EvalSymlinks(link)
		if err == nil {
			v.device = device
			return nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("look for the device: %w", err)
		}
		if time.Now().After(end) {
			return fmt.Errorf("there is no %s after %v; attach the volume to this instance (pulumi up --refresh does); "+
				"nothing starts until then", link, v.Wait)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the device: %w", ctx.Err())
		case <-time.After(poll):
		}
	}
}

func (v *volume) mount(ctx context.Context) error {
	if err := v.find(ctx); err != nil {
		return err
	}
	mounted, err := v.mounted()
	if err != nil {
		return err
	}
	if mounted {
		return v.growMounted(ctx)
	}
	if err := v.prepare(ctx); err != nil {
		return err
	}
	if err := v.growUnmounted(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(v.System.DataDir, 0o755); err != nil {
		return fmt.Errorf("create the mount point: %w", err)
	}
	if err := v.run(ctx, "mount", "-t", fileSystem, "-o", "noatime", v.device, v.System.DataDir); err != nil {
		return err
	}
	v.say("mounted data volume %s at %s", v.ID, v.System.DataDir)
	return nil
}

// run runs a program and ignores its output.
func (v *volume) run(ctx context.Context, name string, args ...string) error {
	_, err := v.Run.Run(ctx, command.Command{Name: name, Args: args})
	return err
}

func (v *volume) say(format string, args ...any) { _, _ = fmt.Fprintf(v.Out, format+"\n", args...) }

// makeDirectories creates the directories that containers mount. The Postgres image itself changes the owner of its
// own.
func (v *volume) makeDirectories() error {
	for _, dir := range []string{contract.PostgresDataDir, contract.CaddyDataDir, contract.DumpsDir} {
		name, err := filepath.Rel(contract.DataDir, dir)
		if err != nil {
			return err
		}
		err = os.Mkdir(filepath.Join(v.System.DataDir, name), 0o700)
		if err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("create a directory on the data volume: %w", err)
		}
	}
	return nil
}
