package forward

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// quiet is how long a peer may be silent before it is forgotten; QUIC itself gives up earlier.
	quiet = 2 * time.Minute
	// largest is more than the size of any QUIC datagram.
	largest = 64 << 10
	// mostPeers limits how many peers are known at a time.
	mostPeers = 4096
)

// UDP forwards datagrams, and returns the answers to their senders.
type UDP struct {
	conn   *net.UDPConn
	target func() string
	mu     sync.Mutex
	peers  map[netip.AddrPort]*net.UDPConn // nil once closed
}

// ListenUDP forwards datagrams from address to target, which is called for each new peer.
func ListenUDP(address string, target func() string) (*UDP, error) {
	at, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		return nil, fmt.Errorf("forward datagrams: %w", err)
	}
	conn, err := net.ListenUDP("udp4", at)
	if err != nil {
		return nil, fmt.Errorf("forward datagrams: %w", err)
	}
	u := &UDP{conn: conn, target: target, peers: map[netip.AddrPort]*net.UDPConn{}}
	go u.receive()
	return u, nil
}

// Address is "address:port".
func (u *UDP) Address() string { return u.conn.LocalAddr().String() }

// Close ends it.
func (u *UDP) Close() {
	_ = u.conn.Close()
	u.mu.Lock()
	peers := u.peers
	u.peers = nil
	u.mu.Unlock()
	for _, far := range peers {
		_ = far.Close()
	}
}

func (u *UDP) receive() {
	buffer := make([]byte, largest)
	for {
		n, peer, err := u.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		if far := u.far(peer); far != nil {
			_ = far.SetReadDeadline(time.Now().Add(quiet))
			_, _ = far.Write(buffer[:n]) // the sender repeats a lost datagram
		}
	}
}

// far returns the socket that sends on behalf of a peer, or nil.
func (u *UDP) far(peer netip.AddrPort) *net.UDPConn {
	u.mu.Lock()
	defer u.mu.Unlock()
	if far := u.peers[peer]; far != nil || u.peers == nil || len(u.peers) >= mostPeers {
		return far
	}
	conn, err := net.Dial("udp4", u.target())
	if err != nil {
		return nil
	}
	far := conn.(*net.UDPConn)
	u.peers[peer] = far
	go u.back(peer, far)
	return far
}

// back returns answers to a peer until it is quiet, or the other side refuses: then the target may have changed.
func (u *UDP) back(peer netip.AddrPort, far *net.UDPConn) {
	defer func() {
		_ = far.Close()
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.peers[peer] == far {
			delete(u.peers, peer)
		}
	}()
	buffer := make([]byte, largest)
	for {
		n, err := far.Read(buffer)
		if err != nil {
			return
		}
		if _, err := u.conn.WriteToUDPAddrPort(buffer[:n], peer); err != nil {
			return
		}
	}
}
