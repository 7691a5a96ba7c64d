package langhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stopGrace is how long a stopped process may keep its output open before it is cut off.
const stopGrace = 5 * time.Second

// CompileError is a program that does not compile; Output is what the compiler said.
type CompileError struct {
	Output string
}

func (e *CompileError) Error() string { return "compile the program:\n" + e.Output }

// Build compiles the Go program in dir into buildDir with the flags that Pulumi's own language host uses, so all of
// them share one build cache. It returns the program's path and a function that must be called once the program has
// been started or is not wanted: until then no other build replaces it. A program that does not compile is a
// *CompileError.
func Build(ctx context.Context, dir, buildDir string) (program string, release func(), err error) {
	if err := os.MkdirAll(buildDir, 0o755); err != nil {
		return "", nil, fmt.Errorf("make the build folder: %w", err)
	}
	program = filepath.Join(buildDir, "program")
	release, err = lock(ctx, program+".lock")
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-w -s", "-o", program, ".")
	cmd.Dir = dir
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	killWithChildren(cmd)
	if err := cmd.Run(); err != nil {
		release()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
			return "", nil, &CompileError{Output: strings.TrimSpace(output.String())}
		}
		return "", nil, fmt.Errorf("run go build in %s (is Go installed and on PATH?): %w", dir, err)
	}
	return program, release, nil
}

// lock takes the lock file at path, waiting for whoever has it. The system drops the lock when its holder dies.
func lock(ctx context.Context, path string) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("wait for %s: %w", path, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// killWithChildren makes the end of cmd's context kill everything that cmd has started.
func killWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = stopGrace
}
