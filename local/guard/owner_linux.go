package guard

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ownerOf returns the user id of the socket at the other end of a connection within this computer.
func ownerOf(conn net.Conn) (owner int, known bool, err error) {
	remote, local := conn.RemoteAddr().(*net.TCPAddr), conn.LocalAddr().(*net.TCPAddr)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		owner, err := findOwner(table, remote.AddrPort(), local.AddrPort())
		if err == nil || !errors.Is(err, os.ErrNotExist) {
			return owner, true, err
		}
	}
	return 0, true, errors.New("the system does not tell who owns it")
}

// established is the kernel's number for a connection that is open at both ends. One that its program has closed counts
// as root's.
const established = "01"

// findOwner searches one of the kernel's tables for a socket between two addresses.
func findOwner(table string, from, to netip.AddrPort) (int, error) {
	file, err := os.Open(table)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid …
		fields := strings.Fields(lines.Text())
		if len(fields) > 7 && fields[3] == established && isSocket(fields[1], from) && isSocket(fields[2], to) {
			return strconv.Atoi(fields[7])
		}
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("read %s: %w", table, err)
	}
	return 0, os.ErrNotExist
}

// isSocket reports whether the kernel's text is an address and port: in hexadecimal, each word of the address with its
// bytes in the machine's order.
func isSocket(text string, want netip.AddrPort) bool {
	address, port, _ := strings.Cut(text, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil || uint16(number) != want.Port() {
		return false
	}
	words, err := hex.DecodeString(address)
	if err != nil {
		return false
	}
	for i := 0; i+4 <= len(words); i += 4 {
		slices.Reverse(words[i : i+4])
	}
	found, ok := netip.AddrFromSlice(words)
	return ok && found.Unmap() == want.Addr().Unmap()
}
