package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"webstack/local/machine/wire"
)

// idle is how long a pipe may be empty, after its program has ended, before what it holds counts as read. A program in
// the background may keep the pipe open for ever.
const idle = 50 * time.Millisecond

// Run runs what request says and returns when it has ended and conn has its output and its result. When conn ends
// first, the whole process group is killed.
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
	stdout, write1, err := pipe(out.Stream(wire.Stdout))
	if err != nil {
		return wire.Result{}, err
	}
	stderr, write2, err := pipe(out.Stream(wire.Stderr))
	if err != nil {
		_ = write1.Close()
		return wire.Result{}, err
	}
	cmd.Stdout, cmd.Stderr = write1, write2
	err = cmd.Start()
	_, _ = write1.Close(), write2.Close()
	if err != nil {
		return wire.Result{}, fmt.Errorf("start the program: %w", err)
	}
	group := newGroup(cmd.Process.Pid)
	go func() {
		defer group.kill() // the caller is gone
		receive(conn, out, stdin, nil)
	}()
	var expired atomic.Bool
	if request.Timeout > 0 {
		timer := time.AfterFunc(request.Timeout, func() { expired.Store(group.kill()) })
		defer timer.Stop()
	}
	err = cmd.Wait()
	group.ended()
	stdout.drain()
	stderr.drain()
	code, err := exitCode(err)
	return wire.Result{Code: code, TimedOut: expired.Load()}, err
}

// command prepares what both kinds of programs have in common.
func command(request wire.Request) (*exec.Cmd, error) {
	if len(request.Args) == 0 {
		return nil, errors.New("start the program: there is none named")
	}
	for path, content := range request.Files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, fmt.Errorf("write the files of the program: %w", err)
		}
		if err := os.WriteFile(path, content, 0o700); err != nil {
			return nil, fmt.Errorf("write the files of the program: %w", err)
		}
		if err := os.Chmod(path, 0o700); err != nil {
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

// input is the pipe to the program's standard input; nil without, and the program then reads nothing.
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

// group is a process group that is not killed any more once its leader has been waited for: another may then have its
// number.
type group struct {
	mu  sync.Mutex
	pid int
}

func newGroup(pid int) *group { return &group{pid: pid} }

// kill ends all processes of the group, and tells whether its leader was still there.
func (g *group) kill() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pid == 0 {
		return false
	}
	return syscall.Kill(-g.pid, syscall.SIGKILL) == nil
}

func (g *group) ended() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pid = 0
}

// exitCode is the code that a shell would give, from the result of Wait.
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
