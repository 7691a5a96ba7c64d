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

// Run runs the docker command and returns what it wrote, without spaces at the ends. The error has the last line of what
// it said.
func Run(ctx context.Context, args ...string) (string, error) {
	return RunWith(ctx, nil, args...)
}

// RunWith is Run with an input.
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

// LastLine is the last line of what the docker command said that tells something.
func LastLine(text string) string {
	lines := strings.Split(text, "\n")
	// The last line may be no more than the advice to ask for help.
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); line != "" && !strings.Contains(line, "--help") {
			return strings.TrimPrefix(line, "docker: ")
		}
	}
	return text
}

// Said tells whether the docker command failed with an error that has text in it, which is in lower case.
func Said(err error, text string) bool {
	var failed *failure
	return errors.As(err, &failed) && strings.Contains(strings.ToLower(failed.said), text)
}

// Gone tells whether the docker command failed because what it should remove is gone, or about to be.
func Gone(err error) bool {
	return Said(err, "no such container") || Said(err, "no such volume") || Said(err, "is already in progress")
}

// Lines are the lines of text that are not empty.
func Lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
}
