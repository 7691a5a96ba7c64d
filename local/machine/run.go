package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"

	"webstack/local/machine/wire"
)

// errLost means that a machine went away, or its tunnel broke, while a command was running.
var errLost = errors.New("the machine went away")

// Run runs a command and returns how it ended.
func (e *Engine) Run(ctx context.Context, instanceID string, command Command) (Exit, error) {
	conn, err := e.stream(instanceID)
	if err != nil {
		return Exit{}, err
	}
	exit, err := RunOver(ctx, conn, command)
	if err != nil {
		return Exit{}, fmt.Errorf("run a command on %s: %w", instanceID, err)
	}
	return exit, nil
}

// stream opens a stream to a machine's agent.
func (e *Engine) stream(instanceID string) (net.Conn, error) {
	h, err := e.host(instanceID)
	if err != nil {
		return nil, err
	}
	tunnel := h.tunnel()
	if tunnel == nil {
		return nil, fmt.Errorf("machine %s: %w", instanceID, ErrNotRunning)
	}
	conn, err := tunnel.Open()
	if err != nil {
		return nil, fmt.Errorf("machine %s: %w", instanceID, ErrNotRunning)
	}
	return conn, nil
}

// RunOver runs a command through the agent at the other end of a stream, which it closes.
func RunOver(ctx context.Context, conn net.Conn, command Command) (Exit, error) {
	defer func() { _ = conn.Close() }()
	out := wire.NewWriter(conn)
	err := out.WriteJSON(wire.Start, wire.Request{
		Op: wire.Run, Args: command.Args, Files: command.Files, Env: command.Env, Dir: command.Dir,
		Timeout: command.Timeout, HasIn: command.Stdin != nil,
	})
	if err != nil {
		return Exit{}, lost(ctx)
	}
	input := newInput(out)
	defer input.end()
	if command.Stdin != nil {
		go input.copy(command.Stdin)
	}
	// The agent kills the program when it sees the end of the stream.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	for {
		kind, payload, err := wire.Read(conn)
		if err != nil || ctx.Err() != nil {
			return Exit{}, lost(ctx)
		}
		switch kind {
		case wire.Stdout:
			err = hand(command.Stdout, payload)
		case wire.Stderr:
			err = hand(command.Stderr, payload)
		case wire.StdinTaken:
			input.taken()
		case wire.Exit:
			var result wire.Result
			if err := json.Unmarshal(payload, &result); err != nil {
				return Exit{}, err
			}
			return Exit{Code: result.Code, TimedOut: result.TimedOut}, nil
		case wire.Failure:
			return Exit{}, &StartError{string(payload)}
		}
		if err != nil {
			return Exit{}, fmt.Errorf("read its output: %w", err)
		}
	}
}

// lost returns the reason why a stream ended too early.
func lost(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return errLost
}

func hand(to io.Writer, data []byte) error {
	if to == nil {
		return nil
	}
	_, err := to.Write(data)
	return err
}

// ask makes a request that has one answer, over a stream that it closes.
func ask(conn net.Conn, request wire.Request) error {
	defer func() { _ = conn.Close() }()
	if err := wire.NewWriter(conn).WriteJSON(wire.Start, request); err != nil {
		return errLost
	}
	return answered(conn)
}

// answered reads the one answer of a request.
func answered(conn net.Conn) error {
	kind, payload, err := wire.Read(conn)
	switch {
	case err != nil:
		return errLost
	case kind == wire.Failure:
		return errors.New(string(payload))
	case kind != wire.Done:
		return fmt.Errorf("the machine answered with a frame of kind %d", kind)
	}
	return nil
}

// input sends a program its input, no faster than the program reads.
type input struct {
	out   *wire.Writer
	ahead chan struct{} // has an element for each frame in flight
	ended chan struct{}
}

func newInput(out *wire.Writer) *input {
	return &input{out: out, ahead: make(chan struct{}, wire.StdinAhead), ended: make(chan struct{})}
}

// end says that nobody is reading.
func (i *input) end() { close(i.ended) }

// taken says that the program has read a frame.
func (i *input) taken() {
	select {
	case <-i.ahead:
	default:
	}
}

// write sends data, and waits while too much is in flight.
func (i *input) write(kind wire.Kind, data []byte) error {
	select {
	case i.ahead <- struct{}{}:
		return i.out.Write(kind, data)
	case <-i.ended:
		return io.ErrClosedPipe
	}
}

// copy sends everything there is to read, and its end.
func (i *input) copy(from io.Reader) {
	buffer := make([]byte, wire.Chunk)
	for {
		n, err := from.Read(buffer)
		if n > 0 && i.write(wire.Stdin, buffer[:n]) != nil {
			return
		}
		if err != nil {
			_ = i.write(wire.StdinEnd, nil)
			return
		}
	}
}
