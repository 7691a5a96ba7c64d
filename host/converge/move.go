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
	"webstack/internal/filelock"
)

// movedPath lists earlier stack directories that now have a link in their place.
const movedPath = contract.StateDir + "/moved-from.json"

// moved are the directories of a stack directory that move when it changes. Containers mount caddy and env, and still
// see their content, because a renamed directory is still the same directory.
var moved = []string{"caddy", "env", "compose", "bundle", contract.StateDir}

// move takes over the stack directory that the containers were started from, if it is another one. It renames the
// content, so that no container needs to be replaced and no secret is left behind. A link stays in the old place as
// long as a container exists that was started from there, because it needs its files there when it is restarted.
func (r *run) move(ctx context.Context) error {
	used, err := r.Host.StackDirs(ctx)
	if err != nil {
		return nil //nolint:nilerr // an engine that does not answer has no containers to spare; the next step says so
	}
	var before []string
	text, err := r.root.ReadFile(movedPath)
	if err == nil {
		// If the list cannot be read, start a new one.
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

// moveFrom takes over one directory, and reports whether there was one to take over.
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
	release, err := filelock.Acquire(ctx, contract.Paths{StackDir: old}.Lock(), func() {
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

// moveDir renames a directory. If the new name exists, it moves what is missing there. What cannot be moved, for
// example between two disks, is removed: it is created again, and the containers that mount it are replaced.
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

// link makes the old place a link to the new one. Files that are not the stack's stay.
func (r *run) link(old string) error {
	if os.Remove(old) == nil {
		return os.Symlink(r.StackDir, old)
	}
	_, _ = fmt.Fprintf(r.Out, "%s stays: it contains files that do not belong to the stack\n", old)
	for _, name := range []string{"caddy", "env"} {
		if err := os.Symlink(filepath.Join(r.StackDir, name), filepath.Join(old, name)); err != nil {
			return err
		}
	}
	return nil
}

// unlink removes what link has created, and reports whether nothing of it is left.
func (r *run) unlink(old string) bool {
	done := true
	for _, path := range []string{filepath.Join(old, "caddy"), filepath.Join(old, "env"), old} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		// If the whole directory is a link, these two are the stack's own.
		if target, err := os.Readlink(path); err != nil || !filepath.IsAbs(target) || path == r.StackDir {
			continue
		}
		done = os.Remove(path) == nil && done
	}
	return done
}
