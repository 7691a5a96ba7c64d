//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"webstack/local/machine/wire"
)

// linkPatience is how long a connection to the laptop cloud waits for a tunnel.
const linkPatience = 30 * time.Second

// link is the connection to the laptop cloud. There is one tunnel at a time; a new one replaces the old one.
type link struct {
	serve func(net.Conn)

	mu      sync.Mutex
	session *wire.Tunnel
	up      chan struct{} // closed when there is a tunnel
}

// newLink calls serve for each stream that the laptop cloud opens.
func newLink(serve func(net.Conn)) *link { return &link{serve: serve, up: make(chan struct{})} }

// accept accepts tunnels.
func (l *link) accept(tunnels net.Listener) error {
	for {
		conn, err := tunnels.Accept()
		if err != nil {
			return fmt.Errorf("accept a tunnel: %w", err)
		}
		session, err := wire.AgentSide(conn)
		if err != nil {
			return fmt.Errorf("accept a tunnel: %w", err)
		}
		l.mu.Lock()
		old := l.session
		l.session = session
		if old == nil {
			close(l.up)
		}
		l.mu.Unlock()
		if old != nil {
			_ = old.Close()
		}
		go l.streams(session)
	}
}

func (l *link) streams(session *wire.Tunnel) {
	defer func() {
		_ = session.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.session == session {
			l.session, l.up = nil, make(chan struct{})
		}
	}()
	for {
		conn, err := session.Accept()
		if err != nil {
			return
		}
		go l.serve(conn)
	}
}

// dial connects to a service of the laptop cloud.
func (l *link) dial(ctx context.Context, service wire.Service) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, linkPatience)
	defer cancel()
	for {
		l.mu.Lock()
		session, up := l.session, l.up
		l.mu.Unlock()
		if session != nil {
			conn, err := session.Open()
			if err == nil {
				_, err = fmt.Fprintf(conn, "%s\n", service)
				return conn, err
			}
			if !session.Closed() {
				return nil, fmt.Errorf("ask the laptop cloud for %s: %w", service, err)
			}
			up = nil
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil, fmt.Errorf("ask the laptop cloud for %s: it does not answer: %w", service, ctx.Err())
		case <-time.After(tunnelPoll):
		}
	}
}
