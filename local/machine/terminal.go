package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"webstack/local/machine/wire"
)

// Open starts a program with a terminal. The end of ctx ends the program.
func (e *Engine) Open(ctx context.Context, instanceID string, command Command, rows, cols int) (Terminal, error) {
	conn, err := e.stream(instanceID)
	if err != nil {
		return nil, err
	}
	t, err := openOver(ctx, conn, command, rows, cols)
	if err != nil {
		return nil, fmt.Errorf("open a terminal on %s: %w", instanceID, err)
	}
	return t, nil
}

// terminal is a program at the other end of a stream.
type terminal struct {
	ctx   context.Context
	conn  net.Conn
	out   *wire.Writer
	input *input
	read  *io.PipeReader
	stop  func() bool

	closing sync.Once
	done    chan struct{} // closed when the program has ended
	code    int
	err     error
}

func openOver(ctx context.Context, conn net.Conn, command Command, rows, cols int) (*terminal, error) {
	out := wire.NewWriter(conn)
	window, err := windowOf(rows, cols)
	if err == nil {
		err = out.WriteJSON(wire.Start, wire.Request{
			Op: wire.Terminal, Args: command.Args, Files: command.Files, Env: command.Env, Dir: command.Dir, Window: window,
		})
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	read, write := io.Pipe()
	t := &terminal{ctx: ctx, conn: conn, out: out, input: newInput(out), read: read, done: make(chan struct{})}
	t.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	go func() {
		t.code, t.err = t.follow(write)
		t.input.end()
		close(t.done)
		_ = write.Close()
		_ = t.Close()
	}()
	return t, nil
}

func windowOf(rows, cols int) (wire.Window, error) {
	const most = 1<<16 - 1
	if rows < 1 || cols < 1 || rows > most || cols > most {
		return wire.Window{}, fmt.Errorf("a window cannot have %d rows and %d columns", rows, cols)
	}
	return wire.Window{Rows: uint16(rows), Cols: uint16(cols)}, nil
}

// follow forwards the output and returns the exit code.
func (t *terminal) follow(output io.Writer) (int, error) {
	for {
		kind, payload, err := wire.Read(t.conn)
		if err != nil {
			return 0, lost(t.ctx)
		}
		switch kind {
		case wire.Stdout:
			if _, err := output.Write(payload); err != nil {
				return 0, errLost
			}
		case wire.StdinTaken:
			t.input.taken()
		case wire.Exit:
			var result wire.Result
			err := json.Unmarshal(payload, &result)
			return result.Code, err
		case wire.Failure:
			return 0, errors.New(string(payload))
		}
	}
}

// Read returns the program's output.
func (t *terminal) Read(data []byte) (int, error) { return t.read.Read(data) }

// Write types input.
func (t *terminal) Write(data []byte) (written int, err error) {
	for len(data) > 0 {
		n := min(len(data), wire.Chunk)
		if err := t.input.write(wire.Stdin, data[:n]); err != nil {
			return written, err
		}
		written, data = written+n, data[n:]
	}
	return written, nil
}

// Resize tells the program the size of the window.
func (t *terminal) Resize(rows, cols int) error {
	window, err := windowOf(rows, cols)
	if err != nil {
		return err
	}
	return t.out.WriteJSON(wire.Resize, window)
}

// Wait returns the exit code once the program has ended.
func (t *terminal) Wait() (int, error) {
	<-t.done
	return t.code, t.err
}

// Close ends the program if it is still running.
func (t *terminal) Close() error {
	t.closing.Do(func() {
		t.stop()
		_ = t.conn.Close()
		select {
		case <-t.done: // the rest of the output can still be read
		default:
			_ = t.read.Close()
		}
	})
	return nil
}
