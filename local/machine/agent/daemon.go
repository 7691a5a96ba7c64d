//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"webstack/local/machine/proc"
	"webstack/local/machine/wire"
)

// daemon runs the system service.
func daemon(ctx context.Context) error {
	log.SetFlags(0) // the journal adds the time
	config, err := readConfig()
	if err != nil {
		return err
	}
	if err := trust(ctx); err != nil {
		return err
	}
	volumes := newVolumes()
	for _, volume := range config.Volumes {
		if err := volumes.attach(ctx, volume); err != nil {
			return err
		}
	}
	side, err := newSide(ctx)
	if err != nil {
		return err
	}
	link := newLink(func(conn net.Conn) { answer(ctx, conn, volumes) })
	tunnels, err := listenSocket()
	if err != nil {
		return err
	}
	ended := make(chan error, 5)
	go func() { ended <- link.accept(tunnels) }()
	go func() { ended <- handOn(side.gateway, link, only(wire.Gateway)) }()
	go func() { ended <- handOn(side.registry, link, only(wire.Registry)) }()
	go func() { ended <- handOn(side.databases, link, database) }()
	go func() { ended <- serveMetadata(side.metadata, link) }()
	if err := notify("READY=1"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

func readConfig() (config wire.Config, err error) {
	text, err := os.ReadFile(wire.ConfigFile)
	if err != nil {
		return config, fmt.Errorf("read the machine's config: %w", err)
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return config, fmt.Errorf("read %s: %w", wire.ConfigFile, err)
	}
	return config, nil
}

func listenSocket() (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(wire.Socket), 0o700); err != nil {
		return nil, fmt.Errorf("listen for the tunnel: %w", err)
	}
	if err := os.Remove(wire.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen for the tunnel: %w", err)
	}
	listener, err := net.Listen("unix", wire.Socket)
	if err != nil {
		return nil, fmt.Errorf("listen for the tunnel: %w", err)
	}
	return listener, nil
}

// notify tells systemd the state of this service.
func notify(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil // started by hand
	}
	// Programs that run here must not take themselves for the service.
	if err := os.Unsetenv("NOTIFY_SOCKET"); err != nil {
		return err
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return fmt.Errorf("tell systemd %s: %w", state, err)
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}

// answer serves one request of the laptop cloud.
func answer(ctx context.Context, conn net.Conn, volumes *volumes) {
	defer func() { _ = conn.Close() }()
	var request wire.Request
	kind, payload, err := wire.Read(conn)
	if err == nil && kind != wire.Start {
		err = fmt.Errorf("the first frame has the wrong kind %d", kind)
	}
	if err == nil {
		err = json.Unmarshal(payload, &request)
	}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			log.Print("read a request: ", err)
		}
		return
	}
	switch request.Op {
	case wire.Run:
		err = proc.Run(conn, request)
	case wire.Terminal:
		err = proc.Terminal(conn, request)
	case wire.Attach:
		err = reply(conn, volumes.attach(ctx, request.Volume))
	case wire.Detach:
		err = reply(conn, volumes.detach(ctx, request.Volume.ID))
	case wire.Ping:
		err = reply(conn, nil)
	default:
		err = reply(conn, fmt.Errorf("the agent does not support %q", request.Op))
	}
	if err != nil {
		log.Printf("answer %s: %v", request.Op, err)
	}
}

func reply(conn net.Conn, err error) error {
	out := wire.NewWriter(conn)
	if err != nil {
		return out.Write(wire.Failure, []byte(err.Error()))
	}
	return out.Write(wire.Done, nil)
}

// tunnelPoll is how often the tunnel looks for the daemon, and tunnelPatience for how long: a machine may boot under
// load.
const (
	tunnelPoll     = 10 * time.Millisecond
	tunnelPatience = 2 * time.Minute
)

// tunnel connects its own input and output to the daemon.
func tunnel(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tunnelPatience)
	defer cancel()
	conn, err := dialDaemon(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	done := make(chan error, 2)
	go func() {
		_, err := io.Copy(conn, os.Stdin)
		done <- err
	}()
	go func() {
		_, err := io.Copy(os.Stdout, conn)
		done <- err
	}()
	return <-done
}

func dialDaemon(ctx context.Context) (net.Conn, error) {
	for {
		conn, err := net.Dial("unix", wire.Socket)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("find the daemon: %w", err)
		case <-time.After(tunnelPoll):
		}
	}
}
