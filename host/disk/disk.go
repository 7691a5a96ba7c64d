// Package disk tells how full the disks are.
package disk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Space gives the size of the file system that holds a directory, and what is free in it for programs that are not
// root's, in bytes.
func Space(dir string) (total, free int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	return size(s.Blocks, s.Bsize), size(s.Bavail, s.Bsize), nil
}

// size exists because systems differ in the types of these numbers.
func size[A, B int32 | uint32 | int64 | uint64](blocks A, each B) int64 {
	return int64(blocks) * int64(each)
}
