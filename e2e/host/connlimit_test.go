package host

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"webstack/host/command"
	"webstack/host/connlimit"
)

// lan is a host with a bridge and three containers on it, as network namespaces.
type lan struct {
	t      *testing.T
	prefix string
}

const (
	lanBridge   = "br-0123456789ab"
	lanPostgres = "10.99.0.11:5432"
)

func newLan(t *testing.T) *lan {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make networks")
	}
	l := &lan{t: t, prefix: "webstack-" + strings.ToLower(rand.Text()[:6]) + "-"}
	if out, err := exec.CommandContext(t.Context(), "ip", "netns", "add", l.name("host")).CombinedOutput(); err != nil {
		t.Skipf("network namespaces cannot be created: %v: %s", err, out)
	}
	l.forget("host")
	l.on("host", "ip", "link", "add", lanBridge, "type", "bridge")
	l.on("host", "ip", "link", "set", lanBridge, "up")
	l.on("host", "ip", "address", "add", "10.99.0.1/24", "dev", lanBridge)
	for i, container := range []string{"postgres", "shop", "blog"} {
		l.run("ip", "netns", "add", l.name(container))
		l.forget(container)
		port := fmt.Sprintf("v%d", i)
		l.on("host", "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", l.name(container))
		l.on("host", "ip", "link", "set", port, "master", lanBridge, "up")
		l.on(container, "ip", "address", "add", fmt.Sprintf("10.99.0.%d/24", 11+i), "dev", "eth0")
		l.on(container, "ip", "link", "set", "eth0", "up")
		l.on(container, "ip", "link", "set", "lo", "up")
	}
	if !l.try("host", "sysctl", "net.bridge.bridge-nf-call-iptables") {
		t.Skip("the kernel does not filter bridges")
	}
	return l
}

func (l *lan) name(of string) string { return l.prefix + of }

func (l *lan) forget(of string) {
	l.t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", l.name(of)).Run() })
}

func (l *lan) run(name string, args ...string) {
	l.t.Helper()
	if out, err := exec.CommandContext(l.t.Context(), name, args...).CombinedOutput(); err != nil {
		l.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// on runs a program in a namespace.
func (l *lan) on(of, name string, args ...string) {
	l.t.Helper()
	l.run("ip", append([]string{"netns", "exec", l.name(of), name}, args...)...)
}

func (l *lan) try(of, name string, args ...string) bool {
	return exec.CommandContext(l.t.Context(), "ip", append([]string{"netns", "exec", l.name(of), name}, args...)...).Run() == nil
}

// within calls f on a thread that is in a namespace.
func (l *lan) within(of string, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		space, err := os.Open(filepath.Join("/run/netns", l.name(of)))
		if err == nil {
			err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
			_ = space.Close()
		}
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}

// open opens as many connections to Postgres as it can, and keeps them.
func (l *lan) open(of string, most int) (opened int) {
	l.t.Helper()
	for range most {
		var conn net.Conn
		err := l.within(of, func() (err error) {
			conn, err = net.DialTimeout("tcp", lanPostgres, 500*time.Millisecond)
			return err
		})
		if err != nil {
			break
		}
		opened++
		l.t.Cleanup(func() { _ = conn.Close() })
	}
	return opened
}

// Run is systemd's and iptables' on the host: starting the unit runs its commands.
func (l *lan) Run(ctx context.Context, c command.Command) ([]byte, error) {
	if c.Name == "iptables" {
		return command.Exec{}.Run(ctx, command.Command{
			Name: "ip", Args: append([]string{"netns", "exec", l.name("host"), "iptables"}, c.Args...),
		})
	}
	return nil, nil
}

// start does what systemd does with the commands of a unit.
func (l *lan) start(unit, key string) {
	l.t.Helper()
	for line := range strings.Lines(unit) {
		words, ok := strings.CutPrefix(strings.TrimSpace(line), key+"=")
		if !ok {
			continue
		}
		words, may := strings.CutPrefix(words, "-")
		args := strings.Fields(words)
		if !l.try("host", args[0], args[1:]...) && !may {
			l.t.Fatalf("%s fails", words)
		}
	}
}

// An app that holds silent connections to Postgres does not take the others' share; the host itself is not counted.
func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	l := newLan(t)
	err := l.within("postgres", func() error {
		listener, err := net.Listen("tcp", ":5432")
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				if _, err := listener.Accept(); err != nil {
					return
				}
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := connlimit.Options{Bridge: lanBridge, PerContainer: 12, Total: 20, Run: l, Root: root, Out: &out}
	if err := connlimit.Ensure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	unit, err := os.ReadFile(filepath.Join(root, "etc/systemd/system/webstack-connections.service"))
	if err != nil {
		t.Fatal(err)
	}
	// Twice, as after a restart of the unit.
	l.start(string(unit), "ExecStart")
	l.start(string(unit), "ExecStart")
	out.Reset()
	if err := connlimit.Ensure(t.Context(), o); err != nil || out.Len() > 0 {
		t.Errorf("a second run says %q, %v", out.String(), err)
	}
	if got := l.open("shop", 40); got != 12 {
		t.Errorf("one container opens %d connections", got)
	}
	if got := l.open("blog", 40); got != 8 {
		t.Errorf("another container opens %d connections", got)
	}
	if got := l.open("host", 30); got != 30 {
		t.Errorf("the host opens %d connections", got)
	}
	l.start(string(unit), "ExecStop")
	if got := l.open("shop", 10); got != 10 {
		t.Errorf("without the rules %d of 10 connections are opened", got)
	}
}
