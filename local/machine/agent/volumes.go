//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"webstack/local/machine/wire"
)

const (
	// byID is where EC2's instances have their volumes.
	byID   = "/dev/disk/by-id"
	prefix = "nvme-Amazon_Elastic_Block_Store_"
	gib    = 1 << 30
	// release is how long a volume may stay busy after its last user is gone.
	release     = 10 * time.Second
	releasePoll = 20 * time.Millisecond
)

// volumes are the attached volumes: open loop devices on files. The system drops a loop device when nothing has it
// open, so this process keeps each open, and nothing is left of a machine that is gone.
type volumes struct {
	mu   sync.Mutex
	open map[string]*loop
}

func newVolumes() *volumes { return &volumes{open: map[string]*loop{}} }

// attach makes a volume a block device, or grows it if it is one.
func (v *volumes) attach(ctx context.Context, volume wire.Volume) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	file, err := grow(volume)
	if err != nil {
		return fmt.Errorf("attach volume %s: %w", volume.ID, err)
	}
	defer func() { _ = file.Close() }()
	device := v.open[volume.ID]
	if device != nil {
		err = device.resize()
	} else if device, err = connect(ctx, file); err == nil {
		v.open[volume.ID] = device
	}
	if err == nil {
		err = symlink(volume.ID, device.path())
	}
	if err != nil {
		return fmt.Errorf("attach volume %s: %w", volume.ID, err)
	}
	return nil
}

// detach removes the block device. A mounted volume stays.
func (v *volumes) detach(ctx context.Context, id string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	device := v.open[id]
	if device == nil {
		return nil
	}
	points, err := device.mounted()
	if err != nil {
		return fmt.Errorf("detach volume %s: %w", id, err)
	}
	if len(points) > 0 {
		return fmt.Errorf("detach volume %s: it is mounted on %s; unmount it first", id, strings.Join(points, ", "))
	}
	if err := device.close(ctx); err != nil {
		return fmt.Errorf("detach volume %s: %w", id, err)
	}
	delete(v.open, id)
	if err := os.Remove(linkOf(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("detach volume %s: %w", id, err)
	}
	return nil
}

// grow opens the file of a volume and makes it as large as the volume. It is sparse.
func grow(volume wire.Volume) (*os.File, error) {
	if volume.ID != filepath.Base(volume.ID) {
		return nil, fmt.Errorf("%q is not a volume id", volume.ID)
	}
	file, err := os.OpenFile(filepath.Join(wire.Volumes, volume.ID), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if size := int64(volume.SizeGiB) * gib; err == nil && info.Size() < size {
		err = file.Truncate(size)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func linkOf(id string) string { return filepath.Join(byID, prefix+strings.ReplaceAll(id, "-", "")) }

func symlink(id, device string) error {
	if err := os.MkdirAll(byID, 0o755); err != nil {
		return err
	}
	temp := linkOf(id) + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(device, temp); err != nil {
		return err
	}
	return os.Rename(temp, linkOf(id))
}

// connect makes a loop device of a file. If a device still has the file and is mounted here, an earlier daemon made it,
// and it is taken over. Otherwise its user is a machine that is being removed.
func connect(ctx context.Context, file *os.File) (*loop, error) {
	ctx, cancel := context.WithTimeout(ctx, release)
	defer cancel()
	for {
		used, err := findLoop(file)
		if err != nil {
			return nil, err
		}
		if used == nil {
			return newLoop(file)
		}
		points, err := used.mounted()
		if err == nil && len(points) > 0 {
			return used, used.resize()
		}
		if err := errors.Join(err, used.file.Close()); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.New("another machine is still using it")
		case <-time.After(releasePoll):
		}
	}
}

// mounted returns where on the machine a device is mounted.
func (l *loop) mounted() ([]string, error) {
	table, err := os.Open("/proc/1/mountinfo")
	if err != nil {
		return nil, err
	}
	defer func() { _ = table.Close() }()
	number := fmt.Sprintf("%d:%d", loopMajor, l.number)
	var points []string
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 && fields[2] == number {
			points = append(points, fields[4])
		}
	}
	return points, lines.Err()
}

// close closes the device and returns when nothing has it open.
func (l *loop) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, release)
	defer cancel()
	path := l.path()
	if err := l.file.Close(); err != nil {
		return err
	}
	for {
		again, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		_, err = unix.IoctlLoopGetStatus64(int(again.Fd()))
		if errors.Is(err, unix.ENXIO) {
			return again.Close()
		}
		select {
		case <-ctx.Done():
			l.file = again
			return errors.New("a program has it open; stop that first")
		default:
			// Only closing makes the system check whether anything else has it open.
			if err := again.Close(); err != nil {
				return err
			}
			time.Sleep(releasePoll)
		}
	}
}
