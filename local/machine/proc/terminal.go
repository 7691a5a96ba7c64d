package proc

import (
	"fmt"
	"io"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"webstack/local/machine/wire"
)

// Terminal runs the requested program with a terminal of its own, and returns when it has ended and its output and
// result have been sent to conn. If conn ends first, the whole process session is killed.
func Terminal(conn io.ReadWriter, request wire.Request) error {
	out := wire.NewWriter(conn)
	result, err := terminal(conn, out, request)
	if err != nil {
		return out.Write(wire.Failure, []byte(err.Error()))
	}
	return out.WriteJSON(wire.Exit, result)
}

func terminal(conn io.Reader, out *wire.Writer, request wire.Request) (wire.Result, error) {
	cmd, err := command(request)
	if err != nil {
		return wire.Result{}, err
	}
	// The program leads a process session, and so a group, of its own.
	master, err := pty.StartWithSize(cmd, size(request.Window))
	if err != nil {
		return wire.Result{}, fmt.Errorf("start the program with a terminal: %w", err)
	}
	group := newGroup(cmd.Process.Pid)
	go func() {
		defer func() {
			_ = master.Close() // hangs up
			group.kill()
		}()
		receive(conn, out, noClose{master}, func(window wire.Window) { resize(master, window) })
	}()
	screen := newOutput(master, out.Stream(wire.Stdout))
	go screen.copy()
	err = cmd.Wait()
	group.ended()
	screen.drain()
	_ = master.Close()
	code, err := exitCode(err)
	return wire.Result{Code: code}, err
}

func size(window wire.Window) *pty.Winsize { return &pty.Winsize{Rows: window.Rows, Cols: window.Cols} }

// resize tells the program the size of the window; a terminal that has been closed meanwhile is left alone.
func resize(terminal *os.File, window wire.Window) {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: window.Rows, Col: window.Cols})
	})
}

// noClose is a terminal's input: it has no end of its own, Ctrl-D is a character like others.
type noClose struct{ io.Writer }

func (noClose) Close() error { return nil }
