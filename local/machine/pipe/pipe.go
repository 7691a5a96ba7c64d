// Package pipe joins two connections.
package pipe

import (
	"io"
	"net"
	"sync"
)

// Join copies both ways until both directions have ended, and closes both connections. If the connections can do that,
// the end of one direction is passed on alone and the other continues.
func Join(a, b net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { copyTo(a, b) })
	both.Go(func() { copyTo(b, a) })
	both.Wait()
	_, _ = a.Close(), b.Close()
}

func copyTo(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	// A broken direction breaks the other, so that nobody waits for a peer that is gone.
	_, _ = to.Close(), from.Close()
}
