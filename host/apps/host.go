package apps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/caddy"
	"webstack/host/docker"
	"webstack/host/files"
)

// Host is a host whose bundle, env files and certificates are in place.
type Host struct {
	// Docker is the host's engine.
	Docker *docker.Engine
	// Caddy is the admin API of the container contract.CaddyService.
	Caddy caddy.Admin
	// Manifest is the manifest of the applied bundle.
	Manifest contract.Manifest
	// Root is the stack directory.
	Root *os.Root
	// Data is where the file system with the data volume begins; "" = /.
	Data string
	// Out gets a line for each change, and the last log lines of a failed container.
	Out io.Writer
	// Timing has the waiting times. See DefaultTiming.
	Timing Timing
	// Dial connects to a container for a health check; nil = over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Timing has the waiting times.
type Timing struct {
	// Poll is how long to wait between two checks.
	Poll time.Duration
	// Base is how long Postgres and Caddy may take until they are healthy. Postgres may have to recover after a crash.
	Base time.Duration
	// Second is how long a second of an app's own limits lasts. Tests make it shorter.
	Second time.Duration
	// Settle is how long a connection to Caddy may take from its first packet to its first request.
	Settle time.Duration
	// Follow is how long Caddy may take to follow a change of the live containers.
	Follow time.Duration
}

// DefaultTiming returns the timing of a real host.
var DefaultTiming = Timing{
	Poll: 250 * time.Millisecond, Base: 5 * time.Minute, Second: time.Second, Settle: 500 * time.Millisecond,
	Follow: contract.HostsDelay + 500*time.Millisecond,
}

// seconds is a limit that an app sets.
func (h *Host) seconds(n int) time.Duration { return time.Duration(n) * h.Timing.Second }

// isApp reports whether the manifest has an app with this name.
func (h *Host) isApp(name string) bool {
	_, ok := h.Manifest.App(name)
	return ok
}

// app returns an app of the manifest. For one that is gone it returns default limits.
func (h *Host) app(name string) contract.ManifestApp {
	if app, ok := h.Manifest.App(name); ok {
		return app
	}
	return contract.ManifestApp{Name: name, DrainTimeoutSeconds: 30, StopGraceSeconds: 10}
}

// base are the services that are not apps, in the order in which they start.
func (h *Host) base() []string {
	if h.Manifest.ExternalPostgres {
		return []string{contract.CaddyService}
	}
	return []string{contract.PostgresService, contract.CaddyService}
}

func (h *Host) say(format string, args ...any) {
	_, _ = fmt.Fprintf(h.Out, format+"\n", args...)
}

// containers lists the containers of one service.
func (h *Host) containers(ctx context.Context, service string) ([]docker.Container, error) {
	all, err := h.Docker.Containers(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c docker.Container) bool { return c.Service != service }), nil
}

// write replaces a file that anyone on the host may read.
func (h *Host) write(name string, content []byte) (changed bool, err error) {
	return files.Write(h.Root, name, content, 0o644)
}

// pull gets an image unless it exists locally. Tags of an app's repository are immutable.
func (h *Host) pull(ctx context.Context, image string) error {
	has, err := h.Docker.HasImage(ctx, image)
	if err != nil || has {
		return err
	}
	return h.fetch(ctx, image)
}

// fetch pulls an image even if the host has one with this name.
func (h *Host) fetch(ctx context.Context, image string) error {
	h.say("pulling %s", image)
	err := h.Docker.Pull(ctx, image, func(err error) { h.say("trying again: %v", err) })
	return h.pullError(ctx, err)
}

// pause waits between two checks, or until ctx is done.
func (h *Host) pause(ctx context.Context) error { return wait(ctx, h.Timing.Poll) }

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// logLines is how much of a failed container's log is shown.
const logLines = 30

// SayFailed prints why an app could not be changed, and what its new container wrote last.
func (h *Host) SayFailed(app string, err error) {
	h.say("%s: failed: %v", app, err)
	var start *StartError
	if errors.As(err, &start) {
		h.sayLines(start.Container, start.Lines)
	}
}

// sayLines prints the last lines of a container.
func (h *Host) sayLines(container string, lines []string) {
	if len(lines) == 0 {
		h.say("the log of %s is empty", container)
		return
	}
	h.say("the last lines of %s:", container)
	for _, line := range lines {
		h.say("  | %s", line)
	}
}

// lastLines returns the last lines of a container that failed, safe for a terminal.
func (h *Host) lastLines(ctx context.Context, c docker.Container) []string {
	log, err := h.Docker.Logs(ctx, c.ID, logLines)
	if err != nil {
		return []string{fmt.Sprintf("(its log cannot be read: %v)", err)}
	}
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(string(log))) {
		lines = append(lines, printable(line))
	}
	return lines
}

// printable makes a log line safe for a terminal, and short.
func printable(line string) string {
	const limit = 400
	line = strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, "?"))
	if runes := []rune(line); len(runes) > limit {
		return string(runes[:limit]) + "..."
	}
	return line
}

// detached returns a context that outlives ctx for a while, for cleaning up.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}
