package firewall

import (
	"bytes"
	"context"
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"webstack/host/command"
)

// inside runs programs in a network namespace.
type inside struct {
	command.Exec
	name string
}

func (w inside) Run(ctx context.Context, c command.Command) ([]byte, error) {
	c.Args = append([]string{"netns", "exec", w.name, c.Name}, c.Args...)
	c.Name = "ip"
	return w.Exec.Run(ctx, c)
}

// within calls f on a thread that is in a network namespace.
func within(t *testing.T, name string, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		// It is never unlocked, so the thread ends with this.
		runtime.LockOSThread()
		file, err := os.Open("/run/netns/" + name)
		if err == nil {
			defer func() { _ = file.Close() }()
			err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// The kernel counts: a host and its visitors, each in a network of its own.
func TestKernelLimitsConnections(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	suffix := strings.ToLower(rand.Text()[:6])
	host, visitors := "ws-host-"+suffix, "ws-visit-"+suffix
	run := func(line string) {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Skipf("networks cannot be made: ip %s: %s", line, out)
		}
	}
	for _, name := range []string{host, visitors} {
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
		run("netns add " + name)
	}
	run("link add veth0 netns " + host + " type veth peer name veth0 netns " + visitors)
	for _, name := range []string{host, visitors} {
		run("-n " + name + " link set veth0 up")
	}
	run("-n " + host + " address add 10.97.0.1/16 dev veth0")
	run("-n " + host + " address add 2001:db8:1::1/48 dev veth0 nodad")
	for _, address := range []string{"10.97.0.2/16", "10.97.0.3/16", "10.97.1.9/16"} {
		run("-n " + visitors + " address add " + address + " dev veth0")
	}
	for _, address := range []string{"2001:db8:1:1::2/48", "2001:db8:1:1::3/48", "2001:db8:1:2::2/48"} {
		run("-n " + visitors + " address add " + address + " dev veth0 nodad")
	}
	web := limits
	web.Proxies = web.Proxies[:1]
	if err := Ensure(t.Context(), Options{Run: inside{name: host}, Out: &bytes.Buffer{}, Web: web}); err != nil {
		t.Skipf("this kernel cannot: %v", err)
	}
	within(t, host, func() {
		for _, address := range []string{"10.97.0.1:80", "10.97.0.1:443", "10.97.0.1:8080", "[2001:db8:1::1]:443"} {
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { _ = l.Close() })
		}
	})
	// The backlog of each listener accepts for it.
	visit := func(from, to string) (conn net.Conn) {
		within(t, visitors, func() {
			dialer := net.Dialer{Timeout: 400 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
			conn, _ = dialer.DialContext(t.Context(), "tcp", to)
		})
		if conn != nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
		return conn
	}
	web4, web6 := "10.97.0.1:443", "[2001:db8:1::1]:443"
	var first net.Conn
	for i, step := range []struct {
		from, to string
		times    int
		ok       bool
	}{
		{"10.97.0.2", web4, 4, true}, {"10.97.0.2", "10.97.0.1:80", 1, true}, // both ports count
		{"10.97.0.2", web4, 1, false}, {"10.97.0.2", "10.97.0.1:80", 1, false},
		{"10.97.0.2", "10.97.0.1:8080", 3, true}, // not the web's
		{"10.97.0.3", web4, 1, true},             // somebody else
		{"10.97.1.9", web4, 14, true},            // a proxy
		{"10.97.1.9", web4, 1, false},            // but no more than there may be in all
		{"2001:db8:1:1::2", web6, 5, true}, {"2001:db8:1:1::3", web6, 1, false}, {"2001:db8:1:2::2", web6, 1, true},
	} {
		for range step.times {
			conn := visit(step.from, step.to)
			if (conn != nil) != step.ok {
				t.Errorf("step %d, from %s to %s: connected %t, want %t", i, step.from, step.to, conn != nil, step.ok)
			}
			if first == nil {
				first = conn
			}
		}
	}
	// What is closed does not count any more.
	if first != nil {
		_ = first.(*net.TCPConn).SetLinger(0)
		_ = first.Close()
	}
	if visit("10.97.0.2", web4) == nil {
		t.Error("a connection in the place of one that was closed is refused")
	}
}
