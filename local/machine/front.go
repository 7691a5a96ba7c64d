package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"

	"webstack/local/machine/wire"
)

// front is a container in the network of this computer that listens where this process may not: on ports below 1024, if
// it does not run as root. It is created when it is first needed.
type front struct {
	engine *Engine
	mu     sync.Mutex
	tunnel *wire.Tunnel
	cmd    *exec.Cmd
}

// frontDoor is a port that the front has open.
type frontDoor struct {
	address string
	conn    net.Conn
	out     *wire.Writer
}

func (d *frontDoor) Address() string { return d.address }

// Close closes the port: the front sees the end of the stream.
func (d *frontDoor) Close() { _ = d.conn.Close() }

// lead sets where connections go from now on. It returns when they do.
func (d *frontDoor) lead(target string) error {
	if err := d.out.Write(wire.Target, []byte(target)); err != nil {
		return err
	}
	return answered(d.conn)
}

// open opens a port.
func (f *front) open(network, address string) (*frontDoor, error) {
	tunnel, err := f.connect()
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	conn, err := tunnel.Open()
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	d := &frontDoor{address: address, conn: conn, out: wire.NewWriter(conn)}
	err = d.out.WriteJSON(wire.Start, wire.Request{Op: wire.Listen, Network: network, Address: address})
	if err == nil {
		err = answered(conn)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return d, nil
}

// connect returns the tunnel to the front.
func (f *front) connect() (*wire.Tunnel, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tunnel != nil && !f.tunnel.Closed() {
		return f.tunnel, nil
	}
	f.end()
	name := f.engine.name("front")
	ctx := context.Background() // it outlives the call that needed it first
	program, err := frontLayout(f.engine.prepared.agent)
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"rm", "--force", name},
		{"create", "--interactive", "--name", name, "--label", f.engine.label(), "--network", "host",
			f.engine.prepared.image, wire.Program, "front"},
	} {
		if _, err := docker(ctx, args...); err != nil && !gone(err) {
			return nil, err
		}
	}
	if _, err := dockerWith(ctx, bytes.NewReader(program), "cp", "-", name+":/"); err != nil {
		return nil, err
	}
	f.cmd = exec.Command("docker", "start", "--attach", "--interactive", name)
	f.tunnel, err = startTunnel(f.cmd)
	return f.tunnel, err
}

// close ends the front; all its ports are closed then.
func (f *front) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end()
}

func (f *front) end() {
	if f.tunnel != nil {
		_ = f.tunnel.Close()
		f.tunnel = nil
	}
	if f.cmd != nil && f.cmd.Process != nil {
		_ = f.cmd.Process.Kill()
		_ = f.cmd.Wait()
		f.cmd = nil
	}
}

// forbidden reports whether a port cannot be opened because this process does not run as root.
func forbidden(err error) bool {
	return errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
}
