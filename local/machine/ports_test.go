package machine

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// listening stands for a machine's port: it greets who connects.
func listening(t *testing.T, greeting string) string {
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
			_, _ = conn.Write([]byte(greeting))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// free returns an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func published(http, https string) string {
	return fmt.Sprintf("443/tcp -> %s\n443/udp -> %s\n80/tcp -> %s\n", https, https, http)
}

func greeting(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	text := make([]byte, 64)
	n, _ := conn.Read(text)
	return string(text[:n])
}

func TestPorts(t *testing.T) {
	t.Parallel()
	p := newPorts(nil, &home{})
	defer p.close()
	if got := p.addresses(); got != (Addresses{}) {
		t.Errorf("before an address is given: %+v", got)
	}
	if err := p.lead(published(listening(t, "http"), listening(t, "https"))); err != nil {
		t.Fatal(err)
	}
	if err := p.expose("127.79.1.2"); err != nil {
		t.Fatal(err)
	}
	at := p.addresses()
	for address, want := range map[string]string{
		at.Public.HTTP: "http", at.Public.HTTPS: "https", at.Local.HTTP: "http", at.Local.HTTPS: "https",
	} {
		if got := greeting(t, address); got != want {
			t.Errorf("%s leads to %q, want %q", address, got, want)
		}
	}
	if !strings.HasPrefix(at.Local.HTTPS, "127.0.0.1:") {
		t.Errorf("the local address is %s", at.Local.HTTPS)
	}
	// A restart changes the machine's ports.
	if err := p.lead(published(listening(t, "new"), listening(t, "new"))); err != nil {
		t.Fatal(err)
	}
	if got := greeting(t, at.Public.HTTP); got != "new" {
		t.Errorf("after a restart it leads to %q", got)
	}
	if err := p.expose("127.79.1.3"); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp4", at.Public.HTTP); err == nil {
		t.Error("the old address still answers")
	}
	if moved := p.addresses(); moved.Local != at.Local || moved.Public == at.Public {
		t.Errorf("moved from %+v to %+v", at, moved)
	}
	if err := p.lead("80/tcp -> 127.0.0.1:1\n"); err == nil {
		t.Error("a container without all ports was taken")
	}
}

// Two machines share 127.0.0.1: the second gets other ports, and those of the first once that is gone. That is how one
// machine replaces another.
func TestPortsTaken(t *testing.T) {
	t.Parallel()
	var seen []Addresses
	var machines []*ports
	shared := &home{at: Endpoint{HTTP: free(t), HTTPS: free(t)}}
	for i := range 2 {
		p := newPorts(nil, shared)
		machines = append(machines, p)
		defer p.close()
		if err := p.lead(published(listening(t, "x"), listening(t, "x"))); err != nil {
			t.Fatal(err)
		}
		if err := p.expose(fmt.Sprintf("127.79.2.%d", 1+i)); err != nil {
			t.Fatal(err)
		}
		if got := greeting(t, p.addresses().Local.HTTPS); got != "x" {
			t.Errorf("machine %d answers %q", i, got)
		}
		seen = append(seen, p.addresses())
	}
	if seen[0].Local == seen[1].Local {
		t.Errorf("both machines are at %+v", seen[0].Local)
	}
	machines[0].close()
	if got := machines[1].addresses().Local; got != seen[0].Local {
		t.Errorf("after the first machine is gone the second one is at %+v, want %+v", got, seen[0].Local)
	}
	machines[1].close()
	third := newPorts(nil, shared)
	defer third.close()
	if err := third.lead(published(listening(t, "third"), listening(t, "third"))); err != nil {
		t.Fatal(err)
	}
	if err := third.expose("127.79.2.3"); err != nil {
		t.Fatal(err)
	}
	if got := third.addresses().Local; got != seen[0].Local || greeting(t, got.HTTPS) != "third" {
		t.Errorf("a machine that comes later is at %+v, want %+v", got, seen[0].Local)
	}
}
