package images

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// docker runs the docker command and returns its output. Its error contains the end of the error output.
func docker(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &said
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(out.String()+said.String()), "\n")
		return "", fmt.Errorf("docker %s: %w\n%s", args[0], err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	return out.String(), nil
}

// remove runs the docker command to remove what a build left behind, even if the build was interrupted.
func remove(ctx context.Context, args ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	_, _ = docker(ctx, nil, args...)
}

// Architecture returns the Docker engine's architecture as a GOARCH.
func Architecture(ctx context.Context) (string, error) {
	out, err := docker(ctx, nil, "version", "--format", "{{.Server.Arch}}")
	return strings.TrimSpace(out), err
}
