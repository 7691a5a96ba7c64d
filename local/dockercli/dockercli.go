// Package dockercli runs the docker command.
package dockercli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Run runs the docker command and returns its output, without surrounding spaces. The error contains the last line of
// its error output.
func Run(ctx context.Context, args ...string) (string, error) {
	return RunWith(ctx, nil, args...)
}

// RunWith is like Run, with an input.
func RunWith(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	err := cmd.Run()
	switch {
	case err == nil:
		return strings.TrimSpace(stdout.String()), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("docker %s: %w", args[0], ctx.Err())
	}
	return "", &failure{command: args[0], err: err, said: strings.TrimSpace(stderr.String())}
}

// failure is a docker command that failed.
type failure struct {
	command string
	err     error
	said    string
}

func (f *failure) Error() string {
	if f.said == "" {
		return fmt.Sprintf("docker %s: %v", f.command, f.err)
	}
	return fmt.Sprintf("docker %s: %s", f.command, LastLine(f.said))
}

func (f *failure) Unwrap() error { return f.err }

// LastLine returns the last meaningful line of the docker command's error output.
func LastLine(text string) string {
	lines := strings.Split(text, "\n")
	// The last line may be only the advice to run help.
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); line != "" && !strings.Contains(line, "--help") {
			return strings.TrimPrefix(line, "docker: ")
		}
	}
	return text
}

// Said reports whether the docker command failed with an error that contains text, which is in lower case.
func Said(err error, text string) bool {
	var failed *failure
	return errors.As(err, &failed) && strings.Contains(strings.ToLower(failed.said), text)
}

// Gone reports whether the docker command failed because what it should remove is already gone, or is being removed.
func Gone(err error) bool {
	return Said(err, "no such container") || Said(err, "no such volume") || Said(err, "is already in progress")
}

// Lines returns the lines of text that are not empty.
func Lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
}
