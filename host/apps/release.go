package apps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/docker"
)

// Pin gets the image of a release and returns the release with the image's digest. It asks no registry if the host has
// the image: tags of an app's repository are immutable.
func (h *Host) Pin(ctx context.Context, app contract.ManifestApp, release string) (string, error) {
	if _, digest := contract.SplitRelease(release); digest == "" {
		records, err := h.Records()
		if err != nil {
			return "", err
		}
		for _, image := range []string{records[app.Name].Image, records[app.Name].Previous} {
			known := contract.ReleaseOf(app.Repository, image)
			tag, digest := contract.SplitRelease(known)
			if tag == release && digest != "" {
				release = known
			}
		}
	}
	image := contract.ReleaseImage(app.Repository, release)
	began := time.Now()
	has, err := h.Docker.HasImage(ctx, image)
	if err != nil {
		return "", err
	}
	if has {
		h.say("%s: the host has the image of %s", app.Name, release)
	} else {
		if err := h.pull(ctx, image); err != nil {
			return "", err
		}
		h.say("%s: pulled in %s", app.Name, took(began))
	}
	digest, err := h.Docker.Digest(ctx, image, app.Repository)
	if err != nil {
		return "", err
	}
	if _, asked := contract.SplitRelease(release); asked != "" && asked != digest {
		digest = asked // an index and the image in it have different ones
	}
	return contract.PinRelease(release, digest), nil
}

// took is how long something took, for people.
func took(began time.Time) time.Duration { return time.Since(began).Round(100 * time.Millisecond) }

// Prepare runs the app's release command once in the image of a release, with the app's environment, networks and
// limits, and prints what it writes. It does nothing without a command.
func (h *Host) Prepare(ctx context.Context, app contract.ManifestApp, release string) error {
	if len(app.ReleaseCommand) == 0 {
		return nil
	}
	image := contract.ReleaseImage(app.Repository, release)
	want, err := h.want(app.Name, image)
	if err != nil {
		return err
	}
	name := contract.ReleaseContainerName(app.Name)
	if err := h.Docker.Remove(ctx, name); err != nil { // a killed run has left it
		return err
	}
	h.say("%s: running its release command: %s", app.Name, strings.Join(app.ReleaseCommand, " "))
	began := time.Now()
	limit := h.seconds(app.ReleaseTimeoutSeconds)
	limited, cancel := context.WithTimeoutCause(ctx, limit,
		fmt.Errorf("it is still running after %s; if it needs more time, increase releaseTimeoutSeconds", limit))
	defer cancel()
	out := &lines{say: func(line string) { h.say("  | %s", line) }}
	err = h.Docker.RunOnce(limited, app.Name, docker.RunOptions{
		Name: name, Args: app.ReleaseCommand, Env: want.runEnv(app.Name), Out: out,
	})
	out.end()
	if err == nil {
		h.say("%s: its release command succeeded in %s", app.Name, took(began))
		return nil
	}
	done, stop := detached(ctx)
	defer stop()
	if limited.Err() != nil && ctx.Err() == nil {
		err = context.Cause(limited)
	}
	return fmt.Errorf("run its release command: %w", errors.Join(err, h.Docker.Remove(done, name)))
}

// lines passes on what is written to it line by line.
type lines struct {
	say  func(line string)
	rest string
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest += string(p)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			return len(p), nil
		}
		l.say(printable(line))
		l.rest = rest
	}
}

func (l *lines) end() {
	if l.rest != "" {
		l.say(printable(l.rest))
	}
}

// ExecOptions configure Exec.
type ExecOptions struct {
	// New runs the command in a new container of the live image and not in the live container.
	New bool
	// Terminal gives it a terminal, which Stdin must be.
	Terminal bool
	Stdin    io.Reader
	// Stdout and Stderr get its output.
	Stdout, Stderr io.Writer
}

// Exec runs a command for a person in the app's live container. An error of type command.ExitError has its exit code.
func (h *Host) Exec(ctx context.Context, app contract.ManifestApp, args []string, o ExecOptions) error {
	existing, err := h.containers(ctx, app.Name)
	if err != nil {
		return err
	}
	live, err := h.hosts()
	if err != nil {
		return err
	}
	for _, c := range existing {
		switch {
		case !h.isLive(live, c):
		case o.New:
			want, err := h.want(app.Name, c.Image)
			if err != nil {
				return err
			}
			return h.runSession(ctx, app, docker.RunOptions{
				Args: args, Env: want.runEnv(app.Name), Terminal: o.Terminal, Stdin: o.Stdin, Out: o.Stdout, Err: o.Stderr,
			})
		case !c.Running():
			return fmt.Errorf("run a command in %s: it is %s; use --new for a container of its own", c.Name, c.State())
		default:
			return h.Docker.ExecFor(ctx, c.ID, docker.RunOptions{
				Args: args, Terminal: o.Terminal, Stdin: o.Stdin, Out: o.Stdout, Err: o.Stderr,
			})
		}
	}
	return errors.New("it has no release yet")
}

// sessionPrefix begins the names of the containers of Exec. The ID of the process that waits for it follows.
const sessionPrefix = contract.ComposeProject + "-exec-"

// runSession runs a command for a person in a container of its own. It removes the container when ctx ends, too.
func (h *Host) runSession(ctx context.Context, app contract.ManifestApp, o docker.RunOptions) error {
	o.Name = sessionPrefix + strconv.Itoa(os.Getpid())
	err := h.Docker.RunOnce(ctx, app.Name, o)
	if ctx.Err() == nil {
		return err
	}
	done, cancel := detached(ctx)
	defer cancel()
	return errors.Join(err, h.Docker.Remove(done, o.Name))
}

// removeSessions removes the containers of commands whose process was killed.
func (h *Host) removeSessions(ctx context.Context) error {
	names, err := h.Docker.Named(ctx, sessionPrefix)
	if err != nil {
		return err
	}
	for _, name := range names {
		pid, err := strconv.Atoi(strings.TrimPrefix(name, sessionPrefix))
		if err == nil && h.Docker.IsProcess(pid, "webstackctl") {
			continue
		}
		if err := h.Docker.Remove(ctx, name); err != nil {
			return err
		}
		h.say("removed %s: the command in it was cut off", name)
	}
	return nil
}

// Tidy removes images that no release needs.
func (h *Host) Tidy(ctx context.Context) error { return h.removeImages(ctx, nil) }
