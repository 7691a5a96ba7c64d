package docker

import (
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listening returns the sorted addresses on which processes in a container's network listen for TCP connections. It is
// empty if the container is not running or the kernel's table cannot be read.
func (e *Engine) Listening(c Container) []netip.AddrPort {
	if c.PID == 0 {
		return nil
	}
	proc := e.Proc
	if proc == "" {
		proc = "/proc"
	}
	var all []netip.AddrPort
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(c.PID), "net", table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if address, ok := listener(line); ok {
				all = append(all, address)
			}
		}
	}
	slices.SortFunc(all, netip.AddrPort.Compare)
	return slices.Compact(all)
}

// listener parses a line of the kernel's table of TCP sockets: number, local address, remote address, state, and more.
func listener(line string) (netip.AddrPort, bool) {
	const listening = "0A"
	fields := strings.Fields(line)
	if len(fields) < 4 || fields[3] != listening {
		return netip.AddrPort{}, false
	}
	host, port, _ := strings.Cut(fields[1], ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, false
	}
	// The kernel prints each group of four bytes as a number, and hosts are little-endian.
	for group := range slices.Chunk(raw, 4) {
		slices.Reverse(group)
	}
	ip, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), ok
}
