package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"webstack/host/command"
)

// RunOptions configure RunOnce and ExecFor.
type RunOptions struct {
	// Name is the name of RunOnce's container; "" leaves it to Compose.
	Name string
	// Args are the command and its arguments.
	Args []string
	// Env are variables of the Compose file, as NAME=VALUE; see UpOptions.
	Env []string
	// Terminal gives the command a terminal, which Stdin must be.
	Terminal bool
	// Stdin is its input, nil for none.
	Stdin io.Reader
	// Out and Err get its output; nil Err means Out gets both.
	Out, Err io.Writer
}

// RunOnce runs a command in a container of its own, which is made like those of a service and removed when the command
// ends. It fails with a *command.ExitError if the command does. When ctx ends, the container may stay.
func (e *Engine) RunOnce(ctx context.Context, service string, o RunOptions) error {
	args := []string{
		"compose", "--progress", "quiet", "--project-name", e.Project, "--file", e.ComposeFile, "run", "--rm", "--no-deps",
	}
	if o.Name != "" {
		args = append(args, "--name", o.Name)
	}
	if !o.Terminal {
		args = append(args, "--no-TTY")
	}
	return e.attached(ctx, append(append(args, service), o.Args...), o)
}

// ExecFor runs a command in a running container. It fails with a *command.ExitError if the command does.
func (e *Engine) ExecFor(ctx context.Context, id string, o RunOptions) error {
	args := []string{"exec"}
	if o.Stdin != nil {
		args = append(args, "--interactive")
	}
	if o.Terminal {
		args = append(args, "--tty")
	}
	return e.attached(ctx, append(append(args, id), o.Args...), o)
}

// attached runs docker with a command's streams.
func (e *Engine) attached(ctx context.Context, args []string, o RunOptions) error {
	if o.Err == nil {
		o.Err = o.Out
	}
	_, err := e.Runner.Run(ctx, command.Command{
		Name: "docker", Args: args, Env: o.Env, Unset: composeVariables(), Stdin: o.Stdin, Stdout: o.Out, Stderr: o.Err,
	})
	return err
}

// OneOffs returns the names of the containers of docker compose run.
func (e *Engine) OneOffs(ctx context.Context) ([]string, error) {
	out, err := e.docker(ctx, "ps", "--all", "--filter", "label="+projectLabel+"="+e.Project, "--filter", "label="+oneOffLabel+"=True",
		"--format", "{{.Names}}")
	if err != nil {
		return nil, fmt.Errorf("list the containers of commands: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// IsProcess reports whether a process of the host runs a program with this name.
func (e *Engine) IsProcess(pid int, program string) bool {
	text, err := os.ReadFile(filepath.Join(e.proc(), strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false
	}
	name, _, _ := strings.Cut(string(text), "\x00")
	return filepath.Base(name) == program
}

// Digest returns the digest ("sha256:...") that an image of the host has in a repository.
func (e *Engine) Digest(ctx context.Context, image, repository string) (string, error) {
	out, err := e.docker(ctx, "image", "inspect", "--format", "{{json .RepoDigests}}", image)
	if err != nil {
		return "", fmt.Errorf("find the digest of %s: %w", image, err)
	}
	var all []string
	if err := json.Unmarshal(out, &all); err != nil {
		return "", fmt.Errorf("find the digest of %s: parse the output of docker image inspect: %w", image, err)
	}
	for _, name := range all {
		if digest, ok := strings.CutPrefix(name, repository+"@"); ok {
			return digest, nil
		}
	}
	return "", fmt.Errorf("find the digest of %s: it was not pulled from %s", image, repository)
}
