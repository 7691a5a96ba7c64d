package guard

import (
	"fmt"
	"net"
	"os"
)

// OwnUser accepts connections only from this program's user and root. It is for services whose clients cannot present a
// key. If the system does not tell who owns a connection, it is accepted.
func OwnUser(listener net.Listener) net.Listener { return ownUser{listener} }

type ownUser struct{ net.Listener }

// Accept closes other users' connections.
func (l ownUser) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if mayUse(conn, os.Getuid()) {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// mayUse reports whether the other end of a connection is the user's, or root's.
func mayUse(conn net.Conn, user int) bool {
	owner, known, err := ownerOf(conn)
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "reject a connection from %s: %v\n", conn.RemoteAddr(), err)
		return false
	}
	return !known || owner == user || owner == 0
}
