// Package memory reads how much memory the host has, and how much a process's control group uses.
package memory

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"webstack/contract"
)

// Read returns the host's memory; zero if it cannot be read. root is where the file system begins.
func Read(root string) contract.MemoryStatus {
	var m contract.MemoryStatus
	text, err := os.ReadFile(filepath.Join(root, "/proc/meminfo"))
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

// Used returns how much memory the control group of a process uses, in bytes.
func Used(root string, pid int) (int64, error) {
	text, err := os.ReadFile(filepath.Join(root, "/proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return 0, fmt.Errorf("find the control group of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		name := ""
		switch controllers {
		case "": // version 2
			name = filepath.Join("/sys/fs/cgroup", group, "memory.current")
		case "memory":
			name = filepath.Join("/sys/fs/cgroup/memory", group, "memory.usage_in_bytes")
		}
		if content, err := os.ReadFile(filepath.Join(root, name)); name != "" && err == nil {
			return strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
		}
	}
	return 0, fmt.Errorf("find the memory of process %d: its control group has no such file", pid)
}
