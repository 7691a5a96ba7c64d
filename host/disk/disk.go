// Package disk measures how full the disks are, and reserves space on them for the host.
package disk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Space returns the size and the free space of a directory's file system for programs that do not run as root, in
// bytes. Like df, it does not count what the file system reserves for root.
func Space(dir string) (total, free int64, err error) {
	s, err := statfs(dir)
	if err != nil {
		return 0, 0, err
	}
	return size(s.Blocks-s.Bfree+s.Bavail, s.Bsize), size(s.Bavail, s.Bsize), nil
}

// Inodes returns how many files a directory's file system can have, and how many more. Both are 0 if there is no such
// limit.
func Inodes(dir string) (total, free int64, err error) {
	s, err := statfs(dir)
	if err != nil {
		return 0, 0, err
	}
	return size(s.Files, 1), size(s.Ffree, 1), nil
}

func statfs(dir string) (s unix.Statfs_t, err error) {
	if err := unix.Statfs(dir, &s); err != nil {
		return s, fmt.Errorf("inspect the file system of %s: %w", dir, err)
	}
	return s, nil
}

// size exists because the types of these numbers differ between systems.
func size[A, B int | int32 | uint32 | int64 | uint64](blocks A, each B) int64 {
	return int64(blocks) * int64(each)
}
