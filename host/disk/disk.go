// Package disk tells how full the disks are, and keeps room on them for the host.
package disk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Space gives how much programs that are not root's can have of the file system that holds a directory, and what of that
// is free, in bytes. What the file system keeps for root is in neither, as with df.
func Space(dir string) (total, free int64, err error) {
	s, err := statfs(dir)
	if err != nil {
		return 0, 0, err
	}
	return size(s.Blocks-s.Bfree+s.Bavail, s.Bsize), size(s.Bavail, s.Bsize), nil
}

// Inodes gives how many files the file system that holds a directory can hold, and how many more. Both are 0 where it
// has no such limit.
func Inodes(dir string) (total, free int64, err error) {
	s, err := statfs(dir)
	if err != nil {
		return 0, 0, err
	}
	return size(s.Files, 1), size(s.Ffree, 1), nil
}

func statfs(dir string) (s unix.Statfs_t, err error) {
	if err := unix.Statfs(dir, &s); err != nil {
		return s, fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	return s, nil
}

// size exists because systems differ in the types of these numbers.
func size[A, B int | int32 | uint32 | int64 | uint64](blocks A, each B) int64 {
	return int64(blocks) * int64(each)
}
