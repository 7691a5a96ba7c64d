// Package forward forwards a port to a target that may change.
package forward

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"webstack/local/machine/pipe"
)

// reach bounds how long the other side may take to accept a connection.
const reach = 10 * time.Second

// shortage is how long to wait after an error before accepting again.
const shortage = 50 * time.Millisecond

// TCP forwards connections.
type TCP struct {
	listener net.Listener
	target   func() string
	mu       sync.Mutex
	open     map[net.Conn]bool // nil once closed
}

// ListenTCP forwards connections from address to target, which is called for each.
func ListenTCP(address string, target func() string) (*TCP, error) {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("forward connections: %w", err)
	}
	t := &TCP{listener: listener, target: target, open: map[net.Conn]bool{}}
	go t.accept()
	return t, nil
}

// Address is "address:port".
func (t *TCP) Address() string { return t.listener.Addr().String() }

// Close ends the listener and all connections.
func (t *TCP) Close() {
	_ = t.listener.Close()
	t.mu.Lock()
	open := t.open
	t.open = nil
	t.mu.Unlock()
	for conn := range open {
		_ = conn.Close()
	}
}

func (t *TCP) accept() {
	for {
		conn, err := t.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(shortage) // too many open files pass
			continue
		}
		if t.keep(conn) {
			go t.forward(conn)
		}
	}
}

func (t *TCP) keep(conn net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		_ = conn.Close()
		return false
	}
	t.open[conn] = true
	return true
}

func (t *TCP) forward(conn net.Conn) {
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.open, conn)
	}()
	far, err := net.DialTimeout("tcp4", t.target(), reach)
	if err != nil {
		_ = conn.(*net.TCPConn).SetLinger(0) // a reset is the closest to a refusal
		_ = conn.Close()
		return
	}
	pipe.Join(conn, far)
}
