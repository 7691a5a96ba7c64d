package langhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"webstack/local/workdir"
)

// stopGrace is how long a stopped process may keep its output open before it is closed.
const stopGrace = 5 * time.Second

// CompileError is a program that does not compile. Output is the compiler's output.
type CompileError struct {
	Output string
}

func (e *CompileError) Error() string { return "compile the program:\n" + e.Output }

// Build compiles the Go program in dir into buildDir with the flags that Pulumi's own language host uses, so all of
// them share one build cache. It returns the program's path and a function that must be called once the program has
// been started or is not needed: until then no other build replaces it. If the program does not compile, the error is a
// *CompileError.
func Build(ctx context.Context, dir, buildDir string) (program string, release func(), err error) {
	program = filepath.Join(buildDir, "program")
	release, err = workdir.Lock(ctx, program+".lock", nil)
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

// killWithChildren kills everything that cmd has started when cmd's context ends.
func killWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = stopGrace
}
