//go:build !linux

package guard

import "net"

// ownerOf does not know: the system has no table of connections with their users.
func ownerOf(net.Conn) (owner int, known bool, err error) { return 0, false, nil }
