package wire

import (
	"io"
	"net"
	"time"

	"github.com/hashicorp/yamux"
)

// patience is how long the tunnel may be silent, as it is when a laptop sleeps, before it counts as broken.
const patience = 5 * time.Minute

// Tunnel carries streams both ways over one connection.
type Tunnel struct{ session *yamux.Session }

// CloudSide returns the laptop cloud's end of a tunnel.
func CloudSide(conn io.ReadWriteCloser) (*Tunnel, error) {
	return newTunnel(yamux.Client(conn, settings()))
}

// AgentSide returns the agent's end of a tunnel.
func AgentSide(conn io.ReadWriteCloser) (*Tunnel, error) {
	return newTunnel(yamux.Server(conn, settings()))
}

func newTunnel(session *yamux.Session, err error) (*Tunnel, error) {
	if err != nil {
		return nil, err
	}
	return &Tunnel{session}, nil
}

func settings() *yamux.Config {
	config := yamux.DefaultConfig()
	config.LogOutput = io.Discard
	config.EnableKeepAlive = false // the end of the connection says when a tunnel is gone
	config.ConnectionWriteTimeout = patience
	config.StreamOpenTimeout = 0
	config.MaxStreamWindowSize = 1 << 20
	return config
}

// Open opens a stream.
func (t *Tunnel) Open() (net.Conn, error) {
	stream, err := t.session.OpenStream()
	if err != nil {
		return nil, err
	}
	return streamConn{stream}, nil
}

// Accept waits for a stream from the other end. An error means that the tunnel has ended.
func (t *Tunnel) Accept() (net.Conn, error) {
	stream, err := t.session.AcceptStream()
	if err != nil {
		return nil, err
	}
	return streamConn{stream}, nil
}

// Close ends the tunnel and all its streams.
func (t *Tunnel) Close() error { return t.session.Close() }

// Closed reports whether the tunnel has ended.
func (t *Tunnel) Closed() bool { return t.session.IsClosed() }

// Done is closed when the tunnel has ended.
func (t *Tunnel) Done() <-chan struct{} { return t.session.CloseChan() }

// streamConn is a stream that can end one direction alone, or both.
type streamConn struct{ *yamux.Stream }

// CloseWrite ends this side's direction.
func (s streamConn) CloseWrite() error { return s.Stream.Close() }

// Close ends this side's direction and stops reading.
func (s streamConn) Close() error {
	err := s.Stream.Close()
	_ = s.SetReadDeadline(time.Now())
	return err
}
