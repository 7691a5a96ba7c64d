package datachannel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// MaxMessage bounds one message, in bytes.
	MaxMessage = 256 << 10
	// pingEvery keeps the WebSocket open that nothing goes over, and finds out when the other end is gone.
	pingEvery = 30 * time.Second
	pingWait  = 20 * time.Second
)

// Run lets the stream go over a WebSocket until that fails, ctx ends, or the channel is closed by either end; then the
// error is nil. Afterwards the WebSocket is closed, or good for nothing but that. At most one Run may be under way.
func (s *Stream) Run(ctx context.Context, conn *websocket.Conn) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	conn.SetReadLimit(MaxMessage)
	s.anew()
	parts := []func(context.Context, *websocket.Conn) error{s.read, s.write, ping}
	ended := make(chan error, len(parts))
	var running sync.WaitGroup
	for _, part := range parts {
		running.Go(func() { ended <- part(ctx, conn) })
	}
	err := <-ended
	stop()
	running.Wait()
	if s.over() {
		return nil
	}
	return err
}

// read takes what comes.
func (s *Stream) read(ctx context.Context, conn *websocket.Conn) error {
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("read from the data channel: %w", err)
		}
		m, err := Decode(text)
		if err != nil {
			return err
		}
		switch m.Type {
		case s.receives:
			s.took(m)
		case Acknowledge:
			var a acknowledgement
			if err := m.Read(&a); err != nil {
				return err
			}
			s.acknowledged(a.Sequence)
		case Closed:
			var c closing
			if err := m.Read(&c); err != nil {
				return err
			}
			s.wasClosed(c.Output)
			return conn.Close(websocket.StatusNormalClosure, "")
		}
	}
}

// write sends what is to be sent, at its time.
func (s *Stream) write(ctx context.Context, conn *websocket.Conn) error {
	for {
		next := s.todo(time.Now())
		if next.text == nil {
			timer := time.NewTimer(next.wait)
			select {
			case <-next.changed:
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		if err := write(ctx, conn, next.text); err != nil {
			return err
		}
		if next.last {
			s.wasClosed("")
			// The other end closes when it has read that. To go before would take from it what it has not read yet.
			return conn.Close(websocket.StatusNormalClosure, "")
		}
	}
}

func write(ctx context.Context, conn *websocket.Conn, text []byte) error {
	if err := conn.Write(ctx, websocket.MessageBinary, text); err != nil {
		return fmt.Errorf("write to the data channel: %w", err)
	}
	return nil
}

// ping asks the other end from time to time whether it is there.
func ping(ctx context.Context, conn *websocket.Conn) error {
	ticks := time.NewTicker(pingEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
		waiting, stop := context.WithTimeout(ctx, pingWait)
		err := conn.Ping(waiting)
		stop()
		if err != nil {
			return fmt.Errorf("keep the data channel open: %w", errors.Join(err, ctx.Err()))
		}
	}
}
