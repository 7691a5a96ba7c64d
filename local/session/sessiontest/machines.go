// Package sessiontest has fake machines for tests of sessions: their programs run on this computer.
package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"webstack/local/machine"
	"webstack/local/runcommand/machinetest"
	"webstack/local/session"
)

// Machines are those of machinetest, with terminals. Programs of sessions run as the user of the test, and no user is
// created.
type Machines struct {
	*machinetest.Machines
}

// New makes machines whose files are below dir.
func New(dir string) Machines { return Machines{machinetest.New(dir)} }

// Run runs a command on this computer, but does not create ssm-user: it reports that the machine does not have one.
func (m Machines) Run(ctx context.Context, instanceID string, command machine.Command) (machine.Exit, error) {
	if len(command.Args) == 3 && command.Args[2] == session.PrepareUser {
		if !m.Running(ctx, instanceID) {
			return machine.Exit{}, machine.ErrNotRunning
		}
		_, err := io.WriteString(command.Stdout, "root\n")
		return machine.Exit{}, err
	}
	return m.Machines.Run(ctx, instanceID, command)
}

// Open starts a program on this computer with a terminal.
func (m Machines) Open(
	ctx context.Context, instanceID string, command machine.Command, rows, cols int,
) (machine.Terminal, error) {
	if !m.Running(ctx, instanceID) {
		return nil, machine.ErrNotRunning
	}
	process := exec.CommandContext(ctx, command.Args[0], command.Args[1:]...)
	process.Dir = m.Root(instanceID)
	process.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PS1=$ "}, command.Env...)
	file, err := pty.StartWithSize(process, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)})
	if err != nil {
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	return &terminal{File: file, process: process}, nil
}

// terminal is a program with a terminal.
type terminal struct {
	*os.File
	process *exec.Cmd
	wait    sync.Once
	code    int
	err     error
}

// Read reads the program's output; the end of a terminal is an error on Linux.
func (t *terminal) Read(data []byte) (int, error) {
	n, err := t.File.Read(data)
	if errors.Is(err, syscall.EIO) {
		err = io.EOF
	}
	return n, err
}

// Resize does not use pty.Setsize, which would take the file's descriptor: the file could then no longer be closed
// while it is being read.
func (t *terminal) Resize(rows, cols int) error {
	raw, err := t.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(cols)})
	})
	return errors.Join(err, failed)
}

func (t *terminal) Wait() (int, error) {
	t.wait.Do(func() {
		var failed *exec.ExitError
		if err := t.process.Wait(); err != nil && !errors.As(err, &failed) {
			t.err = err
		}
		t.code = t.process.ProcessState.ExitCode()
	})
	return t.code, t.err
}
