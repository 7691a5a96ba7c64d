package machine

import (
	"net"
	"sync"
)

// queue is a listener that is given its connections.
type queue struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func newQueue() *queue { return &queue{conns: make(chan net.Conn), ended: make(chan struct{})} }

func (q *queue) give(conn net.Conn) {
	select {
	case q.conns <- conn:
	case <-q.ended:
		_ = conn.Close()
	}
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.conns:
		return conn, nil
	case <-q.ended:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error {
	q.once.Do(func() { close(q.ended) })
	return nil
}

func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }
