package docker

import (
	"cmp"
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
	var all []netip.AddrPort
	for _, s := range e.sockets(c) {
		if s.state == listening {
			all = append(all, s.local)
		}
	}
	slices.SortFunc(all, netip.AddrPort.Compare)
	return slices.Compact(all)
}

// Connections counts the open TCP connections that somebody at an address has to a port of a container. One that the
// container has only half closed counts too: it still answers.
func (e *Engine) Connections(c Container, from netip.Addr, port int) int {
	n := 0
	for _, s := range e.sockets(c) {
		if (s.state == established || s.state == closeWait) && s.remote.Addr() == from && int(s.local.Port()) == port {
			n++
		}
	}
	return n
}

func (e *Engine) proc() string { return cmp.Or(e.Proc, "/proc") }

// socket is a TCP socket of a container.
type socket struct {
	local, remote netip.AddrPort
	state         string
}

// States of a socket in the kernel's table.
const (
	established = "01"
	closeWait   = "08" // the other end sends no more, but this one may
	listening   = "0A"
)

// sockets reads the kernel's table for a container's network; it is empty if the container is not running.
func (e *Engine) sockets(c Container) []socket {
	if c.PID == 0 {
		return nil
	}
	var all []socket
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(e.proc(), strconv.Itoa(c.PID), "net", table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if s, ok := parseSocket(line); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// parseSocket parses a line of the kernel's table: number, local address, remote address, state, and more.
func parseSocket(line string) (socket, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return socket{}, false
	}
	local, localOK := parseAddress(fields[1])
	remote, remoteOK := parseAddress(fields[2])
	return socket{local, remote, fields[3]}, localOK && remoteOK
}

func parseAddress(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
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
