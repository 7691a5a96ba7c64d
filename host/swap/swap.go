// Package swap gives the host a swap file, so that two copies of an app, which a deploy needs for a short time, fit
// into a small host's memory. If the kernel refuses it, the package says so, and the host works without swap.
package swap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"webstack/host/command"
	"webstack/host/disk"
	"webstack/host/files"
)

// Sizes of the swap file, in bytes.
const (
	// most is for disks of 16 GiB and more; a smaller disk gives a part of its size.
	most = 2 << 30
	// least is the smallest useful size.
	least = 256 << 20
	// part is the maximum share of the disk for swap.
	part = 8
	// spare is what must stay free on the disk.
	spare = 1 << 30
)

// swappiness makes the kernel keep programs in memory as long as possible; its own default is 60.
const swappiness = "10"

// Options configure Ensure.
type Options struct {
	// Run runs the system's programs.
	Run command.Runner
	// Out gets a line for each change, and the reason if there is no swap.
	Out io.Writer
	// Root is where the file system begins; "" = "/".
	Root string
	// Disk returns the size and free space of a directory's disk, in bytes; nil asks the system.
	Disk func(dir string) (total, free int64, err error)
}

const (
	file     = "/swapfile"
	unit     = "swapfile.swap"
	unitFile = "/etc/systemd/system/" + unit
	unitText = "# Written by webstackctl; changes are lost.\n[Unit]\nDescription=Swap of Webstack\n\n[Swap]\nWhat=" + file +
		"\n\n[Install]\nWantedBy=swap.target\n"
	settings     = "/etc/sysctl.d/60-webstack.conf"
	settingsText = "# Written by webstackctl; changes are lost.\nvm.swappiness = " + swappiness + "\n"
	current      = "/proc/sys/vm/swappiness"
	active       = "/proc/swaps"
)

// Ensure makes sure that the swap file is in use, now and after a boot. If it is, it changes nothing.
func Ensure(ctx context.Context, o Options) error {
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Disk == nil {
		o.Disk = disk.Space
	}
	// Swap and its settings belong to the kernel, which a container shares with others.
	if _, err := o.Run.Run(ctx, command.Command{Name: "systemd-detect-virt", Args: []string{"--quiet", "--container"}}); err == nil {
		_, _ = fmt.Fprintln(o.Out, "no swap: this host is a container and uses the swap of its machine")
		return nil
	}
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return fmt.Errorf("set up swap: %w", err)
	}
	defer func() { _ = root.Close() }()
	s := &swap{Options: o, root: root}
	if err := s.settings(); err != nil {
		return fmt.Errorf("set swappiness: %w", err)
	}
	if err := s.swap(ctx); err != nil {
		return fmt.Errorf("set up swap: %w", err)
	}
	return nil
}

type swap struct {
	Options
	root *os.Root
}

// in returns a path below the root, as os.Root expects it.
func in(path string) string { return strings.TrimPrefix(path, "/") }

func (s *swap) settings() error {
	if _, err := files.Write(s.root, in(settings), []byte(settingsText), 0o644); err != nil {
		return err
	}
	now, err := s.root.ReadFile(in(current))
	if err != nil || strings.TrimSpace(string(now)) == swappiness {
		return err
	}
	return s.root.WriteFile(in(current), []byte(swappiness), 0o644)
}

func (s *swap) swap(ctx context.Context) error {
	used, err := s.root.ReadFile(in(active))
	if err != nil {
		return err
	}
	installed, err := files.Is(s.root, in(unitFile), []byte(unitText), 0o644)
	if err != nil {
		return err
	}
	inUse := strings.Contains("\n"+string(used), "\n"+file+" ")
	if installed && inUse {
		return nil
	}
	if !inUse {
		made, err := s.make(ctx)
		if err != nil || !made {
			return err
		}
	}
	return s.install(ctx)
}

// make creates the file again, because one that is not in use may be incomplete. It reports whether there is space.
func (s *swap) make(ctx context.Context) (bool, error) {
	if _, err := files.Remove(s.root, in(file)); err != nil {
		return false, err
	}
	total, free, err := s.Disk(s.Root)
	if err != nil {
		return false, err
	}
	size := sizeFor(total, free)
	if size == 0 {
		_, _ = fmt.Fprintf(s.Out, "no swap: the disk has only %d of %d MiB free\n", free>>20, total>>20)
		return false, nil
	}
	path := filepath.Join(s.Root, in(file))
	// The file must not have holes, and others must never be able to read it.
	f, err := s.root.OpenFile(in(file), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false, err
	}
	if err := f.Close(); err != nil {
		return false, err
	}
	for _, c := range []command.Command{
		{Name: "fallocate", Args: []string{"--length", strconv.FormatInt(size, 10), path}},
		{Name: "mkswap", Args: []string{"--quiet", path}},
	} {
		if _, err := s.Run.Run(ctx, c); err != nil {
			_, removeErr := files.Remove(s.root, in(file))
			return false, errors.Join(err, removeErr)
		}
	}
	_, _ = fmt.Fprintf(s.Out, "created a swap file of %d MiB\n", size>>20)
	return true, nil
}

// sizeFor returns the size of the file for a disk, 0 for none; all in bytes.
func sizeFor(total, free int64) int64 {
	size := min(most, total/part, free-spare)
	if size < least {
		return 0
	}
	return size - size%(1<<20)
}

// install makes systemd use the file now and at every boot. It is not an error if the kernel refuses.
func (s *swap) install(ctx context.Context) error {
	if _, err := files.Write(s.root, in(unitFile), []byte(unitText), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{{"daemon-reload"}, {"--quiet", "enable", "--now", unit}} {
		if _, err := s.Run.Run(ctx, command.Command{Name: "systemctl", Args: args}); err != nil {
			if ctx.Err() != nil {
				return err
			}
			_, _ = fmt.Fprintf(s.Out, "no swap: the kernel refuses it: %v\n", err)
			_, err := files.Remove(s.root, in(file))
			return errors.Join(err, s.uninstall(ctx))
		}
	}
	return nil
}

func (s *swap) uninstall(ctx context.Context) error {
	_, err := s.Run.Run(ctx, command.Command{Name: "systemctl", Args: []string{"--quiet", "disable", unit}})
	_, removeErr := files.Remove(s.root, in(unitFile))
	return errors.Join(err, removeErr)
}
