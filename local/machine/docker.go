package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// docker runs the docker command and returns what it wrote, without spaces at the ends.
func docker(ctx context.Context, args ...string) (string, error) {
	return dockerWith(ctx, nil, args...)
}

func dockerWith(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
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
	return "", &dockerError{command: args[0], err: err, said: strings.TrimSpace(stderr.String())}
}

// dockerError is a failed docker command.
type dockerError struct {
	command string
	err     error
	said    string
}

func (e *dockerError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("docker %s: %v", e.command, e.err)
	}
	return fmt.Sprintf("docker %s: %s", e.command, lastLine(e.said))
}

func (e *dockerError) Unwrap() error { return e.err }

func lastLine(text string) string {
	lines := strings.Split(text, "\n")
	// The last line may be no more than the advice to ask for help.
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); line != "" && !strings.Contains(line, "--help") {
			return strings.TrimPrefix(line, "docker: ")
		}
	}
	return text
}

// said tells whether docker failed with an error that has text in it.
func said(err error, text string) bool {
	var failed *dockerError
	return errors.As(err, &failed) && strings.Contains(strings.ToLower(failed.said), text)
}

// lines are the lines of text that are not empty.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
}
