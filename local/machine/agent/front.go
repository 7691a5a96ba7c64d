//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"

	"webstack/local/machine/forward"
	"webstack/local/machine/wire"
)

// front listens on ports of the computer whose network this program has, for a laptop cloud that may not do so itself.
// It runs in a container of its own and ends when its input does.
func front(ctx context.Context) error {
	tunnel, err := wire.AgentSide(stdio{})
	if err != nil {
		return err
	}
	defer func() { _ = tunnel.Close() }()
	defer context.AfterFunc(ctx, func() { _ = tunnel.Close() })()
	for {
		conn, err := tunnel.Accept()
		if err != nil {
			return nil
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_ = listen(conn)
		}()
	}
}

// stdio is this program's input and output.
type stdio struct{}

func (stdio) Read(data []byte) (int, error)  { return os.Stdin.Read(data) }
func (stdio) Write(data []byte) (int, error) { return os.Stdout.Write(data) }
func (stdio) Close() error                   { return errors.Join(os.Stdin.Close(), os.Stdout.Close()) }

// listen serves one stream: it listens until the stream ends.
func listen(conn net.Conn) error {
	var request wire.Request
	kind, payload, err := wire.Read(conn)
	if err != nil {
		return err
	}
	if kind != wire.Start || json.Unmarshal(payload, &request) != nil || request.Op != wire.Listen {
		return reply(conn, errors.New("want a request to listen"))
	}
	var target atomic.Value
	target.Store("")
	to := func() string { return target.Load().(string) }
	var door interface{ Close() }
	switch request.Network {
	case "tcp":
		door, err = forward.ListenTCP(request.Address, to)
	case "udp":
		door, err = forward.ListenUDP(request.Address, to)
	default:
		err = fmt.Errorf("unknown network %q: want tcp or udp", request.Network)
	}
	if err != nil {
		return reply(conn, err)
	}
	defer door.Close()
	if err := reply(conn, nil); err != nil {
		return err
	}
	for {
		kind, payload, err := wire.Read(conn)
		if err != nil {
			return err
		}
		if kind != wire.Target {
			return reply(conn, fmt.Errorf("want a target, got a frame of kind %d", kind))
		}
		target.Store(string(payload))
		if err := reply(conn, nil); err != nil {
			return err
		}
	}
}
