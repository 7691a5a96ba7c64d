package volume

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"webstack/host/command"
	"webstack/host/files"
)

// fileSystem is the only kind that is created and mounted.
const fileSystem = "ext4"

// prepare makes sure that the device has a file system that can be mounted.
func (v *volume) prepare(ctx context.Context) error {
	found, err := v.probe(ctx)
	if err != nil {
		return err
	}
	switch found {
	case fileSystem:
		// This repairs damage after a power failure, as far as it needs no decision.
		return errors.Join(v.unmark(), v.check(ctx))
	case "":
		return v.format(ctx)
	}
	return fmt.Errorf("it contains %s, not an %s file system, and was not changed; use another volume, or back up what "+
		"is on it and clear it with wipefs --all %s", found, fileSystem, v.device)
}

// Exit codes of blkid.
const (
	blkidNothing = 2
	blkidUnclear = 8
)

// probe returns what the device contains: the kind of a file system or partition table, or "" for nothing known.
func (v *volume) probe(ctx context.Context) (string, error) {
	out, err := v.Run.Run(ctx, command.Command{Name: "blkid", Args: []string{"-p", "-o", "export", v.device}})
	switch command.ExitCode(err) {
	case 0:
		for line := range strings.Lines(string(out)) {
			for _, key := range []string{"TYPE", "PTTYPE"} {
				if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
					return value, nil
				}
			}
		}
		return "something unknown", nil
	case blkidNothing:
		return "", nil
	case blkidUnclear:
		return "more than one kind of content", nil
	}
	return "", fmt.Errorf("look for a file system: %w", err)
}

// check runs the file system's own repair, which does nothing if the file system is clean, unless it is forced.
func (v *volume) check(ctx context.Context, force ...string) error {
	err := v.run(ctx, "e2fsck", append(force, "-p", v.device)...)
	// 1 and 2 say that errors were found and repaired.
	if code := command.ExitCode(err); code == 1 || code == 2 {
		v.say("repaired the file system of data volume %s", v.ID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; it cannot be repaired automatically: run e2fsck %s on the host, or go back to a "+
			"snapshot; nothing starts until then", err, v.device)
	}
	return nil
}

// format creates a file system on a device that has never been written to. The mark tells a later run that the file
// system is incomplete: mkfs writes the part by which it is recognised last.
func (v *volume) format(ctx context.Context) error {
	marked, err := os.ReadFile(v.System.Mark)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the mark of an unfinished format: %w", err)
	}
	if string(marked) != v.ID {
		if err := v.proveEmpty(ctx); err != nil {
			return err
		}
		if err := v.mark(); err != nil {
			return err
		}
	}
	if err := v.run(ctx, "mkfs."+fileSystem, "-q", "-m", "1", "-L", "webstack-data", v.device); err != nil {
		return err
	}
	v.say("formatted data volume %s, which was empty", v.ID)
	return v.unmark()
}

func (v *volume) mark() error {
	dir, name := filepath.Split(v.System.Mark)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("mark the volume: %w", err)
	}
	defer func() { _ = root.Close() }()
	if _, err := files.Write(root, name, []byte(v.ID), 0o600); err != nil {
		return fmt.Errorf("mark the volume: %w", err)
	}
	return nil
}

func (v *volume) unmark() error {
	if err := os.Remove(v.System.Mark); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the mark of an unfinished format: %w", err)
	}
	return nil
}

// proven is how much of the beginning and of the end of a device is read before formatting, in bytes.
const proven = 4 << 20

// proveEmpty fails if there is any sign of content: a signature known to wipefs, which knows more than blkid, or
// anything but zeros where content begins. A new EBS volume is filled with zeros.
func (v *volume) proveEmpty(ctx context.Context) error {
	out, err := v.Run.Run(ctx, command.Command{Name: "wipefs", Args: []string{"--no-act", "--parsable", v.device}})
	if err != nil {
		return fmt.Errorf("look for signatures: %w", err)
	}
	if len(bytes.TrimSpace(out)) > 0 {
		return fmt.Errorf("it has a signature of something that cannot be mounted, and was not changed: %s",
			bytes.TrimSpace(out))
	}
	f, err := os.Open(v.device)
	if err != nil {
		return fmt.Errorf("read the device: %w", err)
	}
	defer func() { _ = f.Close() }()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("read the device: %w", err)
	}
	for _, at := range []int64{0, max(0, size-proven)} {
		part, err := io.ReadAll(io.NewSectionReader(f, at, proven))
		if err != nil {
			return fmt.Errorf("read the device: %w", err)
		}
		if i := bytes.IndexFunc(part, func(r rune) bool { return r != 0 }); i >= 0 {
			return fmt.Errorf("it has no file system, but is not empty either: there is something at byte %d; it was not "+
				"changed; if it is not needed, clear it with blkdiscard --zeroout %s", at+int64(i), v.device)
		}
	}
	return nil
}

// slack is how much smaller than its device a file system may be, in bytes: less than this is not worth a resize, and
// may not be usable.
const slack = 256 << 20

// larger says by how much the device is larger than its file system; "" = not at all.
func (v *volume) larger() (string, error) {
	device, used, err := v.sizes()
	if err != nil || device-used < slack {
		return "", err
	}
	return fmt.Sprintf("from %d to %d MiB", used>>20, device>>20), nil
}

// growUnmounted makes the file system as large as its device before it is mounted.
func (v *volume) growUnmounted(ctx context.Context) error {
	larger, err := v.larger()
	if err != nil || larger == "" {
		return err
	}
	// resize2fs requires it.
	if err := v.check(ctx, "-f"); err != nil {
		return err
	}
	if err := v.run(ctx, "resize2fs", v.device); err != nil {
		return err
	}
	v.say("grew the file system of data volume %s %s", v.ID, larger)
	return nil
}

// growMounted does the same while it is in use. If that is not possible, the next boot does it.
func (v *volume) growMounted(ctx context.Context) error {
	larger, err := v.larger()
	if err != nil || larger == "" {
		return err
	}
	if err := v.run(ctx, "resize2fs", v.device); err != nil {
		if ctx.Err() != nil {
			return err
		}
		v.say("the file system of data volume %s will grow %s at the next boot: %v", v.ID, larger, err)
		return nil
	}
	v.say("grew the file system of data volume %s %s", v.ID, larger)
	return nil
}

// sizes returns the sizes of the device and of its file system, in bytes. The latter is in the superblock.
func (v *volume) sizes() (device, used int64, err error) {
	const (
		at, length    = 1024, 1024
		magicAt       = 0x38
		magic         = 0xef53
		blocksAt      = 0x04
		blocksHighAt  = 0x150
		logBlockAt    = 0x18
		smallestBlock = 1024
	)
	f, err := os.Open(v.device)
	if err != nil {
		return 0, 0, fmt.Errorf("read the device: %w", err)
	}
	defer func() { _ = f.Close() }()
	if device, err = f.Seek(0, io.SeekEnd); err != nil {
		return 0, 0, fmt.Errorf("read the device: %w", err)
	}
	super := make([]byte, length)
	if _, err := f.ReadAt(super, at); err != nil {
		return 0, 0, fmt.Errorf("read the superblock: %w", err)
	}
	little := binary.LittleEndian
	if little.Uint16(super[magicAt:]) != magic {
		return 0, 0, errors.New("read the superblock: it is not an ext4 superblock")
	}
	blocks := int64(little.Uint32(super[blocksAt:])) | int64(little.Uint32(super[blocksHighAt:]))<<32
	return device, blocks * (smallestBlock << little.Uint32(super[logBlockAt:])), nil
}
