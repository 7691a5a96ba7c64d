package session

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// IsTerminal reports whether both input and output are terminals.
func IsTerminal(in, out *os.File) bool {
	return term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// Terminal is the Window of a program that was started in a terminal.
type Terminal struct {
	In, Out *os.File
	before  *term.State
}

// Raw implements Window.
func (t *Terminal) Raw(ctx context.Context) (<-chan Size, error) {
	before, err := term.MakeRaw(int(t.In.Fd()))
	if err != nil {
		return nil, fmt.Errorf("take over the terminal: %w", err)
	}
	t.before = before
	return watchSize(ctx, t.Out), nil
}

// Restore implements Window.
func (t *Terminal) Restore() error {
	if err := term.Restore(int(t.In.Fd()), t.before); err != nil {
		return fmt.Errorf("restore the terminal (run reset to do so): %w", err)
	}
	return nil
}

// watchSize sends the size of the window now and at each change.
func watchSize(ctx context.Context, out *os.File) <-chan Size {
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGWINCH)
	sizes := make(chan Size)
	go func() {
		defer signal.Stop(changes)
		for {
			if cols, rows, err := term.GetSize(int(out.Fd())); err == nil {
				select {
				case sizes <- Size{Rows: rows, Cols: cols}:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-changes:
			case <-ctx.Done():
				return
			}
		}
	}()
	return sizes
}
