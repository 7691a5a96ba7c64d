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

// boot is when the host's first process was started; zero when unknown. The kernel of a host that is a container came up
// before it.
func (r *reader) boot() time.Time {
	const (
		startField     = 19 // behind the name, which may hold spaces
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

// memory reads what the kernel counts in KiB.
func (r *reader) memory() contract.MemoryStatus {
	var m contract.MemoryStatus
	text, err := os.ReadFile(r.in("/proc/meminfo"))
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		count, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue
		}
		switch count <<= 10; fields[0] {
		case "MemTotal:":
			m.Total = count
		case "MemAvailable:":
			m.Available = count
		case "SwapTotal:":
			m.SwapTotal = count
		case "SwapFree:":
			m.SwapFree = count
		}
	}
	return m
}

// disks are the root's, and the data volume's when that is mounted.
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
