package proc

import (
	"encoding/json"
	"io"
	"os"
	"sync/atomic"
	"time"

	"webstack/local/machine/wire"
)

// receive forwards what the caller sends, and returns when the caller is gone or breaks the protocol. It keeps reading
// even if the program does not read its input; otherwise it would miss the caller's end.
func receive(conn io.Reader, answers *wire.Writer, stdin io.WriteCloser, resize func(wire.Window)) {
	queue := make(chan []byte, wire.StdinAhead)
	defer close(queue)
	if stdin != nil {
		go feed(stdin, queue, answers)
	}
	ended := stdin == nil
	for {
		kind, payload, err := wire.Read(conn)
		if err != nil {
			return
		}
		switch {
		case kind == wire.Stdin && !ended:
			select {
			case queue <- payload:
			default:
				return
			}
		case kind == wire.StdinEnd && !ended:
			ended = true
			select {
			case queue <- nil:
			default:
				return
			}
		case kind == wire.Resize && resize != nil:
			var window wire.Window
			if json.Unmarshal(payload, &window) != nil {
				return
			}
			resize(window)
		}
	}
}

// feed writes input to a program; nil is the end of its input. A program that stops reading loses the rest.
func feed(stdin io.WriteCloser, queue <-chan []byte, answers *wire.Writer) {
	defer func() { _ = stdin.Close() }()
	var broken error
	for chunk := range queue {
		if chunk == nil {
			return
		}
		if broken == nil {
			_, broken = stdin.Write(chunk)
		}
		if answers.Write(wire.StdinTaken, nil) != nil {
			return
		}
	}
}

// idle is how long a terminal may be silent, after its program has ended, before its output counts as complete. A
// background program may keep it open forever.
const idle = 50 * time.Millisecond

// output is the terminal that a program writes to, read at the other end.
type output struct {
	from   *os.File
	to     io.Writer
	ending atomic.Bool
	done   chan struct{} // closed when nothing of the program's is left
}

func newOutput(from *os.File, to io.Writer) *output {
	return &output{from: from, to: to, done: make(chan struct{})}
}

// copy copies until the end, or until the program has ended and has been silent for a while.
func (o *output) copy() {
	defer close(o.done)
	buffer := make([]byte, wire.Chunk)
	for {
		if o.ending.Load() {
			_ = o.from.SetReadDeadline(time.Now().Add(idle))
		}
		n, err := o.from.Read(buffer)
		if n > 0 {
			if _, err := o.to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil && (!os.IsTimeout(err) || o.ending.Load()) {
			return
		}
	}
}

// drain returns when the caller has everything that a program wrote before it ended.
func (o *output) drain() {
	o.ending.Store(true)
	_ = o.from.SetReadDeadline(time.Now().Add(idle))
	<-o.done
}
