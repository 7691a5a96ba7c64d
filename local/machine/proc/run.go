package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"webstack/local/machine/wire"
)

// killed is the exit code of a program that SIGKILL ended.
const killed = 128 + int(syscall.SIGKILL)

// Answer reads a request to run a program and does what it says.
func Answer(conn io.ReadWriter) error {
	kind, payload, err := wire.Read(conn)
	if err != nil {
		return err
	}
	var request wire.Request
	if kind != wire.Start || json.Unmarshal(payload, &request) != nil {
		return fmt.Errorf("read a request: the first frame, of kind %d, does not contain one", kind)
	}
	if request.Op == wire.Terminal {
		return Terminal(conn, request)
	}
	return Run(conn, request)
}

// Run runs the requested program and returns when it has ended and its output and result have been sent to conn. It
// waits until everything that the program started has closed the output, or the timeout is over. If conn ends first,
// the whole process group is killed.
func Run(conn io.ReadWriter, request wire.Request) error {
	out := wire.NewWriter(conn)
	result, err := run(conn, out, request)
	if err != nil {
		return out.Write(wire.Failure, []byte(err.Error()))
	}
	return out.WriteJSON(wire.Exit, result)
}

func run(conn io.Reader, out *wire.Writer, request wire.Request) (wire.Result, error) {
	cmd, err := command(request)
	if err != nil {
		return wire.Result{}, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := input(cmd, request.HasIn)
	if err != nil {
		return wire.Result{}, err
	}
	cmd.Stdout, cmd.Stderr = out.Stream(wire.Stdout), out.Stream(wire.Stderr)
	if err := cmd.Start(); err != nil {
		return wire.Result{}, err
	}
	group := newGroup(cmd.Process.Pid)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		receive(conn, out, stdin, nil)
	}()
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		group.ended()
		ended <- err
	}()
	var expired <-chan time.Time
	if request.Timeout > 0 {
		expired = time.After(request.Timeout)
	}
	select {
	case err := <-ended:
		code, err := exitCode(err)
		return wire.Result{Code: code}, err
	case <-expired:
		group.kill()
		return wire.Result{Code: killed, TimedOut: true}, nil
	case <-gone:
		group.kill()
		return wire.Result{Code: killed}, nil // nobody reads it
	}
}

// command prepares what both kinds of programs share.
func command(request wire.Request) (*exec.Cmd, error) {
	if len(request.Args) == 0 {
		return nil, errors.New("start the program: none is given")
	}
	for path, content := range request.Files {
		if err := write(path, content); err != nil {
			return nil, fmt.Errorf("write the files of the program: %w", err)
		}
	}
	cmd := exec.Command(request.Args[0], request.Args[1:]...)
	cmd.Dir = request.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Env = append(os.Environ(), request.Env...)
	return cmd, nil
}

// write writes an executable file and its missing folders. No other program may start meanwhile: it would hold the file
// open for writing for a moment, and such a file cannot be run.
func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, content, 0o700); err != nil {
		return err
	}
	return os.Chmod(path, 0o700)
}

// input returns the pipe to the program's standard input; nil without, and the program then reads nothing.
func input(cmd *exec.Cmd, wanted bool) (io.WriteCloser, error) {
	if !wanted {
		return nil, nil
	}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the program: %w", err)
	}
	return pipe, nil
}

// group is a process group. Once it counts as ended it is not killed, because another group may then have its number.
type group struct {
	mu  sync.Mutex
	pid int
}

func newGroup(pid int) *group { return &group{pid: pid} }

// kill ends all processes of the group.
func (g *group) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pid != 0 {
		_ = syscall.Kill(-g.pid, syscall.SIGKILL) // they may have ended on their own
	}
}

func (g *group) ended() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pid = 0
}

// exitCode returns the code that a shell would report, from the result of Wait.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 0, fmt.Errorf("wait for the program: %w", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
