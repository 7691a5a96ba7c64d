package converge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"webstack/contract"
	"webstack/host/files"
	"webstack/host/lock"
)

// movedPath lists the stack directories that were used before and have a link in their place.
const movedPath = contract.StateDir + "/moved-from.json"

// moved are the directories of a stack directory that go along when it changes. Containers have what is in caddy and env
// mounted, and go on seeing it, as a directory that was renamed is still the same.
var moved = []string{"caddy", "env", "compose", "bundle", contract.StateDir}

// move takes over the stack directory that the containers were started from when it is another one: what is in it is
// renamed, so that no container has to be replaced and no secret is left. A link stays in the old place as long as there
// is a container that was started from there, which would look for its files there when it is restarted.
func (r *run) move(ctx context.Context) error {
	used, err := r.Host.StackDirs(ctx)
	if err != nil {
		return nil //nolint:nilerr // an engine that does not answer has no containers to spare; the next step says so
	}
	var before []string
	text, err := r.root.ReadFile(movedPath)
	if err == nil {
		// A list that cannot be read is begun anew.
		_ = json.Unmarshal(text, &before)
	}
	for _, dir := range used {
		did, err := r.moveFrom(ctx, dir)
		if err != nil {
			return fmt.Errorf("move the stack directory from %s: %w", dir, err)
		}
		if did && !slices.Contains(before, dir) {
			before = append(before, dir)
		}
	}
	left := slices.DeleteFunc(slices.Clone(before), func(dir string) bool {
		return !slices.Contains(used, dir) && r.unlink(dir)
	})
	if text == nil && len(left) == 0 {
		return nil
	}
	next, err := json.Marshal(left)
	if err != nil {
		return err
	}
	_, err = files.Write(r.root, movedPath, append(next, '\n'), 0o644)
	return err
}

// moveFrom takes over one directory, and tells whether it was one to take over.
func (r *run) moveFrom(ctx context.Context, old string) (bool, error) {
	info, err := os.Lstat(old)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return false, nil // gone, or a link that an earlier run has left
	}
	here, hereErr := os.Stat(r.StackDir)
	if err := errors.Join(err, hereErr); err != nil {
		return false, err
	}
	if os.SameFile(info, here) {
		return false, nil
	}
	release, err := lock.Acquire(ctx, contract.Paths{StackDir: old}.Lock(), func() {
		_, _ = fmt.Fprintln(r.Out, "waiting for another run to finish")
	})
	if err != nil {
		return false, err
	}
	defer release()
	for _, name := range moved {
		if err := moveDir(filepath.Join(old, name), filepath.Join(r.StackDir, name)); err != nil {
			return false, err
		}
	}
	for _, name := range []string{"bin", contract.LockPath} {
		if err := os.RemoveAll(filepath.Join(old, name)); err != nil {
			return false, err
		}
	}
	_, _ = fmt.Fprintf(r.Out, "moved the stack directory from %s\n", old)
	return true, r.link(old)
}

// moveDir renames a directory. Where there is one of that name already, what is missing in it is moved there. What cannot
// be moved, as between two disks, is removed: it is made anew, and the containers that have it mounted are replaced.
func moveDir(from, to string) error {
	err := os.Rename(from, to)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		target := filepath.Join(to, e.Name())
		if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
			_ = os.Rename(filepath.Join(from, e.Name()), target)
		}
	}
	return os.RemoveAll(from)
}

// link makes the old place lead to the new one. What is in it that is not the stack's stays.
func (r *run) link(old string) error {
	if os.Remove(old) == nil {
		return os.Symlink(r.StackDir, old)
	}
	_, _ = fmt.Fprintf(r.Out, "%s stays: it holds files that are not the stack's\n", old)
	for _, name := range []string{"caddy", "env"} {
		if err := os.Symlink(filepath.Join(r.StackDir, name), filepath.Join(old, name)); err != nil {
			return err
		}
	}
	return nil
}

// unlink removes what link has made, and tells whether nothing of it is left.
func (r *run) unlink(old string) bool {
	done := true
	for _, path := range []string{filepath.Join(old, "caddy"), filepath.Join(old, "env"), old} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		// Behind a link to the whole directory these two are the stack's own.
		if target, err := os.Readlink(path); err != nil || !filepath.IsAbs(target) || path == r.StackDir {
			continue
		}
		done = os.Remove(path) == nil && done
	}
	return done
}
