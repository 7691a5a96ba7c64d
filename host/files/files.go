// Package files replaces files atomically, and only if they differ.
package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// suffix ends the name of a file that is being written. One that a killed run has left is overwritten by the next
// write.
const suffix = ".new"

// Write makes name below root a file with this content and mode, and creates its directory if that is missing. It
// reports whether anything changed. It does not touch a file that is already right. The new file is on the disk before
// it replaces the old one. An os.Root keeps every path below it, whatever links exist.
func Write(root *os.Root, name string, content []byte, mode fs.FileMode) (changed bool, err error) {
	same, err := Is(root, name, content, mode)
	if err != nil || same {
		return false, err
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return false, fmt.Errorf("create the directory of %s: %w; move away what is in its place", name, err)
	}
	if err := write(root, name+suffix, content, mode); err != nil {
		_ = root.Remove(name + suffix)
		return false, fmt.Errorf("write %s: %w", name, err)
	}
	if err := root.Rename(name+suffix, name); err != nil {
		return false, fmt.Errorf("move %s into place: %w", name, err)
	}
	return true, SyncDir(root, path.Dir(name))
}

// WriteInPlace makes name below root a file with this content without replacing it: whoever has it open or mounted sees
// the change. A reader may see the old text for some bytes and the new text for others. It creates a missing file.
func WriteInPlace(root *os.Root, name string, content []byte, mode fs.FileMode) (changed bool, err error) {
	same, err := Is(root, name, content, mode)
	if err != nil || same {
		return false, err
	}
	if _, err := root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return Write(root, name, content, mode)
	}
	f, err := root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return false, fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.WriteAt(content, 0)
	if err = errors.Join(err, f.Truncate(int64(len(content))), f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return false, fmt.Errorf("write %s: %w", name, err)
	}
	return true, nil
}

// Is reports whether name is a regular file with this content and mode. A directory in its place is an error.
func Is(root *os.Root, name string, content []byte, mode fs.FileMode) (bool, error) {
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("check %s: %w; move away what is in its place", name, err)
	case info.IsDir():
		return false, fmt.Errorf("check %s: it is a directory; move it away", name)
	case info.Mode() != mode || info.Size() != int64(len(content)):
		return false, nil
	}
	// A file that cannot be read is written again.
	text, err := root.ReadFile(name)
	return err == nil && bytes.Equal(text, content), nil
}

// write creates a new file, never reusing one that others may have opened while it was readable for them.
func write(root *os.Root, name string, content []byte, mode fs.FileMode) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	// Whatever the umask is.
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

// Remove removes a file, or a directory with everything in it, and reports whether there was one.
func Remove(root *os.Root, name string) (changed bool, err error) {
	if _, err := root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err := root.RemoveAll(name); err != nil {
		return false, fmt.Errorf("remove %s: %w", name, err)
	}
	return true, nil
}

// Names returns the sorted names in a directory; none if the directory does not exist.
func Names(root *os.Root, dir string) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// SyncDir syncs the names in a directory to the disk.
func SyncDir(root *os.Root, dir string) error {
	f, err := root.Open(dir)
	if err != nil {
		return fmt.Errorf("open directory %s: %w", dir, err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
