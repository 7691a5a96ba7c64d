// Package command runs programs of the host, such as docker, mkfs.ext4 and systemctl, through an interface that tests
// replace. Secrets are passed to a program by its standard input, never by its arguments, which everybody on the host
// can read.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Command is one run of a program.
type Command struct {
	// Name is the program, looked up in PATH, and Args are its arguments. They are shown in errors.
	Name string
	Args []string
	// Stdin is the program's input; nil = none.
	Stdin io.Reader
	// Stdout gets what it prints as it prints it; nil = Run returns it.
	Stdout io.Writer
	// Stderr gets its messages as it prints them; nil = the last of them are in the error.
	Stderr io.Writer
	// Env are variables as NAME=VALUE in addition to those of this process; a later one wins.
	Env []string
	// Unset are names of variables that the program must not see.
	Unset []string
}

// Runner runs programs.
type Runner interface {
	// Run waits for the program and returns what it printed. If the program exits with another code than 0, it returns
	// an *ExitError. When ctx is done, it kills the program.
	Run(ctx context.Context, c Command) ([]byte, error)
}

// ExitError says that a program failed.
type ExitError struct {
	// Program is the base name of the program with its first argument.
	Program string
	// Code is the exit code, -1 if it was killed.
	Code int
	// Message is the last lines of its standard error, unless Command.Stderr got them.
	Message string
}

// Error returns one or more lines: what failed, how, and what the program said.
func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s: exit code %d", e.Program, e.Code)
	if e.Code == -1 {
		text = e.Program + ": it was killed"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// ExitCode returns the exit code of the program that an error is about: 0 for nil, -1 if it did not exit on its own.
func ExitCode(err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code
	}
	return -1
}

// Exec runs real programs.
type Exec struct{}

// maxMessage is how much of a program's messages an error contains, in bytes.
const maxMessage = 2000

// Run implements Runner.
func (Exec) Run(ctx context.Context, c Command) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.Stdin = c.Stdin
	cmd.Env = environment(c)
	var out bytes.Buffer
	cmd.Stdout = c.Stdout
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	messages := &tail{}
	cmd.Stderr = c.Stderr
	if cmd.Stderr == nil {
		cmd.Stderr = messages
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return out.Bytes(), nil
	case ctx.Err() != nil:
		return out.Bytes(), fmt.Errorf("run %s: %w", c.program(), ctx.Err())
	case errors.As(err, &exit):
		return out.Bytes(), &ExitError{Program: c.program(), Code: exit.ExitCode(), Message: messages.text()}
	}
	return out.Bytes(), fmt.Errorf("run %s: %w", c.program(), err)
}

func (c Command) program() string {
	name := filepath.Base(c.Name)
	if len(c.Args) > 0 {
		name += " " + c.Args[0]
	}
	return name
}

func environment(c Command) []string {
	if len(c.Env) == 0 && len(c.Unset) == 0 {
		return nil
	}
	var out []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !slices.Contains(c.Unset, name) {
			out = append(out, variable)
		}
	}
	return append(out, c.Env...)
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxMessage; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) text() string { return strings.TrimSpace(string(t.kept)) }
