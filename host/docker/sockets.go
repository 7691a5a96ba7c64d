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

// Connections counts the TCP connections to a port of a container that are in one of the states, by the address at the
// other end.
func (e *Engine) Connections(c Container, port int, states ...SocketState) map[netip.Addr]int {
	counts := map[netip.Addr]int{}
	for _, s := range e.sockets(c) {
		if int(s.local.Port()) == port && slices.Contains(states, s.state) {
			counts[s.remote.Addr()]++
		}
	}
	return counts
}

// SocketState is the state of a TCP socket, as the kernel's table writes it.
type SocketState string

// States of sockets.
const (
	Established SocketState = "01"
	// SynReceived is a connection on its way.
	SynReceived SocketState = "03"
	// CloseWait is one on which the other end sends no more, but this one may.
	CloseWait SocketState = "08"
	listening SocketState = "0A"
)

func (e *Engine) proc() string { return cmp.Or(e.Proc, "/proc") }

// socket is a TCP socket of a container.
type socket struct {
	local, remote netip.AddrPort
	state         SocketState
}

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
	return socket{local, remote, SocketState(fields[3])}, localOK && remoteOK
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
