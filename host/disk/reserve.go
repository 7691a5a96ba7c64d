package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// ReserveSize is the size of a Reserve in bytes: enough for the files of a bundle and the state of the host program.
const ReserveSize = 64 << 20

// plenty is how many times a reserve's size must be free before it is created.
const plenty = 4

// Reserve is a file that only occupies space. Apps may run as root and fill the disk to the last byte, including what
// the file system reserves for root. If the host program must write then, it removes the file.
type Reserve struct {
	// Root is the directory of the file, and Name its path below that.
	Root *os.Root
	Name string
	// Out gets a line when the file is created or removed.
	Out io.Writer
	// Space returns the size and free space of a directory's disk, in bytes; nil asks the system.
	Space func(dir string) (total, free int64, err error)
}

// Open removes the file if less than its size is free.
func (r Reserve) Open() error {
	free, err := r.free()
	if err != nil {
		return err
	}
	if _, err := r.Root.Lstat(r.Name); err != nil || free >= ReserveSize {
		return nil //nolint:nilerr // what is not there cannot be removed
	}
	if err := r.Root.Remove(r.Name); err != nil {
		return fmt.Errorf("remove the reserve: %w", err)
	}
	r.say("the disk is full: released the reserve of %d MiB; delete what is not needed", ReserveSize>>20)
	return nil
}

// Close creates the file if it is missing and several times its size is free.
func (r Reserve) Close() error {
	free, err := r.free()
	if err != nil {
		return err
	}
	info, err := r.Root.Lstat(r.Name)
	if err == nil && info.Size() == ReserveSize || free < plenty*ReserveSize {
		return nil
	}
	if err := r.fill(); err != nil {
		return fmt.Errorf("reserve disk space: %w", errors.Join(err, r.Root.Remove(r.Name)))
	}
	r.say("reserved %d MiB of disk space for when the disk is full", ReserveSize>>20)
	return nil
}

func (r Reserve) fill() error {
	if err := r.Root.MkdirAll(path.Dir(r.Name), 0o755); err != nil {
		return err
	}
	if err := r.Root.Remove(r.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := r.Root.OpenFile(r.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<20)
	for range ReserveSize / len(zeros) {
		if _, err := f.Write(zeros); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

func (r Reserve) free() (int64, error) {
	space := r.Space
	if space == nil {
		space = Space
	}
	_, free, err := space(r.Root.Name())
	return free, err
}

func (r Reserve) say(format string, args ...any) { _, _ = fmt.Fprintf(r.Out, format+"\n", args...) }
