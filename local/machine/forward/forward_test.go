package forward

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

const patience = 30 * time.Second

// answering listens and, once a connection's input has ended, sends it back with a name before it.
func answering(t *testing.T, name string) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				text, _ := io.ReadAll(conn)
				_, _ = conn.Write(append([]byte(name), text...))
				_ = conn.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

func say(t *testing.T, address string, text []byte) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	go func() {
		_, _ = conn.Write(text)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

func TestTCP(t *testing.T) {
	t.Parallel()
	var target atomic.Value
	target.Store(answering(t, "first "))
	f, err := ListenTCP("127.0.0.1:0", func() string { return target.Load().(string) })
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("x"), 1<<20)
	if got, err := say(t, f.Address(), text); err != nil || got != "first "+string(text) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	target.Store(answering(t, "second "))
	if got, err := say(t, f.Address(), []byte("x")); err != nil || got != "second x" {
		t.Errorf("after a change of the target: %q, %v", got, err)
	}
	target.Store("127.0.0.1:1") // nobody listens there
	if got, err := say(t, f.Address(), []byte("x")); err == nil {
		t.Errorf("without a target: %q", got)
	}
	conn, err := net.Dial("tcp4", f.Address())
	if err != nil {
		t.Fatal(err)
	}
	target.Store(answering(t, ""))
	f.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived the forward")
	}
	if _, err := net.Dial("tcp4", f.Address()); err == nil {
		t.Error("it still listens")
	}
}

// echoing answers datagrams with a name before them.
func echoing(t *testing.T, name string) string {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 2048)
		for {
			n, peer, err := conn.ReadFromUDP(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDP(append([]byte(name), buffer[:n]...), peer)
		}
	}()
	return conn.LocalAddr().String()
}

// exchange sends until there is the wanted answer: datagrams may be lost.
func exchange(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	buffer := make([]byte, 2048)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, _ = conn.Write([]byte("x"))
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := conn.Read(buffer); err == nil && string(buffer[:n]) == want {
			return
		}
	}
	t.Errorf("no answer %q", want)
}

func TestUDP(t *testing.T) {
	t.Parallel()
	gone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var target atomic.Value
	target.Store(gone.LocalAddr().String())
	_ = gone.Close()
	u, err := ListenUDP("127.0.0.1:0", func() string { return target.Load().(string) })
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	var peers []net.Conn
	for range 2 {
		conn, err := net.Dial("udp4", u.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write([]byte("nobody is there yet"))
		peers = append(peers, conn)
	}
	target.Store(echoing(t, "to "))
	for _, conn := range peers {
		exchange(t, conn, "to x")
	}
}
