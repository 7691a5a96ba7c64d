package converge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"

	"webstack/contract"
	"webstack/host/files"
)

// stageDir has the new files until all of them are verified. It is on the file system of the stack directory, so that
// a rename can move them.
const stageDir = "bundle/staging"

// attempts is how often to read an object whose connection breaks midway; the AWS SDK repeats only the request.
const attempts = 3

var errBroken = errors.New("the connection broke")

// change is a file that differs from the manifest.
type change struct {
	contract.File
	mode   fs.FileMode
	staged string // the new content; "" if only the mode differs
}

// compare lists the files that differ from the manifest, in the manifest's order.
func (r *run) compare(files []contract.File) ([]change, error) {
	var changes []change
	for i, f := range files {
		bits, err := strconv.ParseUint(f.Mode, 8, 32)
		if err != nil {
			return nil, fmt.Errorf("read mode of %s: %w", f.Path, err)
		}
		c := change{File: f, mode: fs.FileMode(bits)}
		info, err := r.root.Lstat(f.Path)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("check %s: %w; move away what is in its place", f.Path, err)
		case err == nil && info.IsDir():
			return nil, fmt.Errorf("check %s: it is a directory; move it away", f.Path)
		case err == nil && info.Mode().IsRegular() && info.Size() == f.Size && r.sum(f.Path) == f.SHA256:
			if info.Mode() == c.mode {
				continue
			}
		default:
			c.staged = path.Join(stageDir, strconv.Itoa(i))
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// sum returns the SHA-256 of a file, "" if it cannot be read: then it is written again.
func (r *run) sum(name string) string {
	f, err := r.root.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// stage downloads and verifies the content of every change, and creates the target directories.
func (r *run) stage(ctx context.Context, changes []change) error {
	for _, c := range changes {
		if c.staged == "" {
			continue
		}
		if err := r.root.MkdirAll(stageDir, 0o700); err != nil {
			return fmt.Errorf("create staging directory: %w", err)
		}
		err := r.download(ctx, c)
		for n := 1; n < attempts && errors.Is(err, errBroken); n++ {
			err = r.download(ctx, c)
		}
		if err != nil {
			return err
		}
	}
	for _, c := range changes {
		if err := r.root.MkdirAll(path.Dir(c.Path), 0o755); err != nil {
			return fmt.Errorf("create directory of %s: %w; move away what is in its place", c.Path, err)
		}
	}
	return nil
}

func (r *run) download(ctx context.Context, c change) error {
	body, err := r.Store.Get(ctx, c.Key())
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	out, err := r.root.OpenFile(c.staged, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("stage %s: %w", c.Path, err)
	}
	defer func() { _ = out.Close() }()
	h := sha256.New()
	read := &source{Reader: io.LimitReader(body, c.Size+1)}
	size, err := io.Copy(io.MultiWriter(out, h), read)
	switch sum := hex.EncodeToString(h.Sum(nil)); {
	case read.err != nil:
		return fmt.Errorf("read object %s: %w after %d of %d bytes: %w", c.Key(), errBroken, size, c.Size, read.err)
	case err != nil:
		return fmt.Errorf("stage %s: %w", c.Path, err)
	case size > c.Size:
		return fmt.Errorf("check object %s: it is longer than the %d bytes in the manifest", c.Key(), c.Size)
	case size != c.Size || sum != c.SHA256:
		return fmt.Errorf("check object %s: it has %d bytes and the checksum %s, not %d and %s as in the manifest; "+
			"run pulumi up --refresh to publish the bundle again", c.Key(), size, sum, c.Size, c.SHA256)
	}
	return finish(out, c.mode)
}

// source remembers the error of its reader, to distinguish a broken connection from a full disk.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// finish gives a written file its mode, whatever the umask, and syncs it to the disk.
func finish(f *os.File, mode fs.FileMode) error {
	return errors.Join(f.Chmod(mode), f.Sync(), f.Close())
}

// place moves the staged files to their paths. If it is killed, some files are old and some are new, each complete.
func (r *run) place(changes []change) error {
	var dirs []string
	for _, c := range changes {
		if c.staged == "" {
			if err := r.root.Chmod(c.Path, c.mode); err != nil {
				return fmt.Errorf("set mode of %s: %w", c.Path, err)
			}
			_, _ = fmt.Fprintf(r.Out, "set mode of %s to %s\n", c.Path, c.Mode)
			continue
		}
		if err := r.root.Rename(c.staged, c.Path); err != nil {
			return fmt.Errorf("move %s into place: %w", c.Path, err)
		}
		_, _ = fmt.Fprintf(r.Out, "wrote %s\n", c.Path)
		if dir := path.Dir(c.Path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		if err := files.SyncDir(r.root, dir); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) remove(name string) error {
	if err := r.root.Remove(name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	_, _ = fmt.Fprintf(r.Out, "removed %s\n", name)
	return nil
}

// clearStage removes what this or a killed run has staged.
func (r *run) clearStage() error {
	if err := r.root.RemoveAll(stageDir); err != nil {
		return fmt.Errorf("clear staging directory: %w", err)
	}
	return nil
}
