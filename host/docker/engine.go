package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"webstack/host/command"
)

// Engine is the Docker engine with one Compose project.
type Engine struct {
	// Runner runs docker.
	Runner command.Runner
	// Project is the name of the Compose project.
	Project string
	// ComposeFile is the absolute path of the project's Compose file.
	ComposeFile string
	// Credentials returns credentials for registries; nil = none are needed.
	Credentials Credentials
	// RuntimeDir is a directory in memory, such as /run. It has the credentials for a pull while that runs.
	RuntimeDir string
	// Backoff is how long to wait after a failed pull before the second attempt; later waits are longer.
	Backoff time.Duration

	// Proc is the mount point of the proc file system; "" = /proc.
	Proc string

	tokens sync.Map // registry to its credentials, which are valid for hours
}

// ErrUnreachable says that the engine does not answer.
var ErrUnreachable = errors.New("the Docker engine does not answer")

// Version returns the version of the engine.
func (e *Engine) Version(ctx context.Context) (string, error) {
	out, err := e.docker(ctx, "version", "--format", "{{.Server.Version}}")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Ping checks that the engine answers.
func (e *Engine) Ping(ctx context.Context) error {
	_, err := e.Version(ctx)
	return err
}

// Platform returns the operating system and architecture of the engine, such as linux/arm64.
func (e *Engine) Platform(ctx context.Context) (string, error) {
	out, err := e.docker(ctx, "version", "--format", "{{.Server.Os}}/{{.Server.Arch}}")
	return strings.TrimSpace(string(out)), err
}

// Bridge returns the host's network interface for a network of the project, which is named as in the Compose file.
func (e *Engine) Bridge(ctx context.Context, network string) (string, error) {
	out, err := e.docker(ctx, "network", "inspect", "--format",
		`{{or (index .Options "com.docker.network.bridge.name") (printf "br-%.12s" .Id)}}`, e.Project+"_"+network)
	if err != nil {
		return "", fmt.Errorf("inspect the network %s: %w", network, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Written returns how much each container of the project has written to its own file system, in bytes, by ID.
func (e *Engine) Written(ctx context.Context) (map[string]int64, error) {
	out, err := e.docker(ctx, "ps", "--all", "--size", "--no-trunc", "--filter", "label="+projectLabel+"="+e.Project,
		"--format", "{{.ID}} {{.Size}}")
	if err != nil {
		return nil, fmt.Errorf("read the sizes of the containers: %w", err)
	}
	written := map[string]int64{}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 1 {
			written[fields[0]] = parseSize(fields[1])
		}
	}
	return written, nil
}

// parseSize parses a size as Docker prints it, such as 1.2MB.
func parseSize(text string) int64 {
	number := strings.TrimRight(text, "kMGTPB")
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	for _, unit := range []string{"B", "kB", "MB", "GB", "TB"} {
		if text[len(number):] == unit {
			return int64(value)
		}
		value *= 1000
	}
	return 0
}

// Start starts stopped containers.
func (e *Engine) Start(ctx context.Context, ids ...string) error {
	_, err := e.docker(ctx, append([]string{"start"}, ids...)...)
	return err
}

// Restart restarts containers.
func (e *Engine) Restart(ctx context.Context, ids ...string) error {
	_, err := e.docker(ctx, append([]string{"restart"}, ids...)...)
	return err
}

// Stat describes a file as a running container sees it. name is relative to the container's root.
func (e *Engine) Stat(c Container, name string) (os.FileInfo, error) {
	if c.PID == 0 {
		return nil, fmt.Errorf("find %s in %s: it is not running", name, c.Name)
	}
	return os.Stat(filepath.Join(e.proc(), strconv.Itoa(c.PID), "root", name))
}

// Stop stops containers, all at once, and kills those that have not exited when their own grace period is over.
func (e *Engine) Stop(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := e.docker(ctx, append([]string{"stop"}, ids...)...)
	return ignoreMissing(err)
}

// Remove removes containers, running or not, with their anonymous volumes. Named volumes stay. It is not an error if a
// container is already gone.
func (e *Engine) Remove(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := e.docker(ctx, append([]string{"rm", "--force", "--volumes"}, ids...)...)
	return ignoreMissing(err)
}

// Exec runs a program in a container.
func (e *Engine) Exec(ctx context.Context, id string, args ...string) ([]byte, error) {
	return e.docker(ctx, append([]string{"exec", id}, args...)...)
}

// Logs returns the last lines that a container wrote to its standard output and error, up to the given number.
func (e *Engine) Logs(ctx context.Context, id string, lines int) ([]byte, error) {
	var both bytes.Buffer
	_, err := e.Runner.Run(ctx, command.Command{
		Name: "docker", Args: []string{"logs", "--tail", strconv.Itoa(lines), id}, Stdout: &both, Stderr: &both,
	})
	return both.Bytes(), err
}

func (e *Engine) docker(ctx context.Context, args ...string) ([]byte, error) {
	return e.Runner.Run(ctx, command.Command{Name: "docker", Args: args})
}

// UpOptions configure Up.
type UpOptions struct {
	// Scale is how many containers the service should have; 0 = one.
	Scale int
	// KeepExisting keeps containers that were created from another definition, and starts stopped ones. Without it, Up
	// recreates them.
	KeepExisting bool
	// Env are variables of the Compose file, as NAME=VALUE. They take precedence over those in the file .env.
	Env []string
}

// Up creates and starts the containers of a service. It pulls no image, and does not touch other services.
func (e *Engine) Up(ctx context.Context, service string, o UpOptions) error {
	args := []string{
		"compose", "--progress", "quiet", "--project-name", e.Project, "--file", e.ComposeFile,
		"up", "--detach", "--no-deps", "--no-build", "--pull", "never",
	}
	if o.KeepExisting {
		args = append(args, "--no-recreate")
	}
	args = append(args, "--scale", service+"="+strconv.Itoa(max(o.Scale, 1)), service)
	_, err := e.Runner.Run(ctx, command.Command{Name: "docker", Args: args, Env: o.Env, Unset: composeVariables()})
	return err
}

// composeVariables returns the names of this process's environment variables that would change what Compose does.
func composeVariables() []string {
	var names []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "COMPOSE_") || strings.HasPrefix(name, "WEBSTACK_") {
			names = append(names, name)
		}
	}
	return names
}

// ignoreMissing ignores the error that a container is gone.
func ignoreMissing(err error) error {
	if err != nil && isMissing(err) {
		return nil
	}
	return err
}

// missingRE does not match missing files, such as the engine's socket.
var missingRE = regexp.MustCompile(`(?i)no such (container|image|object|volume|network)`)

func isMissing(err error) bool {
	var exit *command.ExitError
	return errors.As(err, &exit) && missingRE.MatchString(exit.Message)
}
