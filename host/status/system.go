package status

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/disk"
)

// boot returns when the host's first process was started; zero if unknown. If the host is a container, its kernel
// booted earlier.
func (r *reader) boot() time.Time {
	const (
		startField     = 19 // after the name, which may contain spaces
		ticksPerSecond = 100
	)
	uptime, err := os.ReadFile(r.in("/proc/uptime"))
	if err != nil {
		return time.Time{}
	}
	first, err := os.ReadFile(r.in("/proc/1/stat"))
	if err != nil {
		return time.Time{}
	}
	seconds, _, _ := strings.Cut(string(uptime), " ")
	up, err := strconv.ParseFloat(seconds, 64)
	fields := strings.Fields(string(first[bytes.LastIndexByte(first, ')')+1:]))
	if err != nil || len(fields) <= startField {
		return time.Time{}
	}
	ticks, err := strconv.ParseInt(fields[startField], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return r.now.Add(-time.Duration(int64(up)-ticks/ticksPerSecond) * time.Second)
}

// disks returns the root disk and, if it is mounted, the data volume.
func (r *reader) disks(mounted bool) []contract.DiskStatus {
	paths := []string{"/"}
	if mounted {
		paths = append(paths, contract.DataDir)
	}
	var all []contract.DiskStatus
	for _, path := range paths {
		total, free, err := disk.Space(r.in(path))
		inodes, inodesFree, err2 := disk.Inodes(r.in(path))
		if err == nil && err2 == nil {
			all = append(all, contract.DiskStatus{
				Path: path, Total: total, Free: free, Inodes: inodes, InodesFree: inodesFree,
			})
		}
	}
	return all
}
