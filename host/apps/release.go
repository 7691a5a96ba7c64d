package apps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/docker"
)

// Begin removes the container of a release command whose deploy was killed.
func (h *Host) Begin(ctx context.Context, app contract.ManifestApp) error {
	return h.Docker.Remove(ctx, contract.ReleaseContainerName(app.Name))
}

// Pin gets the image of a release and returns the release with the image's digest. It asks the registry what a tag means,
// even if the host has an image with that tag: a tag can be deleted and used again. A digest must be that of the tag.
func (h *Host) Pin(ctx context.Context, app contract.ManifestApp, release string) (string, error) {
	tag, asked := contract.SplitRelease(release)
	if tag == "" {
		return release, h.PinEarlier(ctx, app, release)
	}
	image, began := contract.ReleaseImage(app.Repository, tag), time.Now()
	if err := h.fetch(ctx, image); err != nil {
		return "", err
	}
	digest, err := h.Docker.Digest(ctx, image, app.Repository)
	switch {
	case err != nil:
		return "", err
	case asked != "" && asked != digest:
		return "", fmt.Errorf("find %s: the image with the tag %s has the digest %s; to deploy another image, leave the tag out",
			release, tag, digest)
	}
	h.say("%s: pulled in %s", app.Name, took(began))
	return contract.PinRelease(tag, digest), nil
}

// PinEarlier gets the image of a release that has a digest, unless the host has it.
func (h *Host) PinEarlier(ctx context.Context, app contract.ManifestApp, release string) error {
	image, began := contract.ReleaseImage(app.Repository, release), time.Now()
	has, err := h.Docker.HasImage(ctx, image)
	switch {
	case err != nil:
		return err
	case has:
		h.say("%s: the host has the image of %s", app.Name, contract.ShortRelease(release))
		return nil
	}
	if err := h.fetch(ctx, image); err != nil {
		return err
	}
	h.say("%s: pulled in %s", app.Name, took(began))
	return nil
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
	rest []byte
}

// longestLine is where a line without an end is cut, in bytes.
const longestLine = 4096

func (l *lines) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != '\n' && b != '\r' {
			l.rest = append(l.rest, b)
		}
		if b == '\n' || len(l.rest) >= longestLine || b == '\r' && len(l.rest) > 0 {
			l.flush()
		}
	}
	return len(p), nil
}

func (l *lines) flush() {
	l.say(printable(string(l.rest)))
	l.rest = l.rest[:0]
}

func (l *lines) end() {
	if len(l.rest) > 0 {
		l.flush()
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

// removeSessions removes the containers of commands whose process was killed, those of release commands among them: no
// deploy runs now.
func (h *Host) removeSessions(ctx context.Context) error {
	names, err := h.Docker.OneOffs(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		id, session := strings.CutPrefix(name, sessionPrefix)
		pid, err := strconv.Atoi(id)
		switch {
		case session && err == nil && h.Docker.IsProcess(pid, "webstackctl"), !session && !h.isReleaseContainer(name):
			continue
		}
		if err := h.Docker.Remove(ctx, name); err != nil {
			return err
		}
		h.say("removed %s: the command in it was cut off", name)
	}
	return nil
}

func (h *Host) isReleaseContainer(name string) bool {
	return slices.ContainsFunc(h.Manifest.Apps, func(a contract.ManifestApp) bool {
		return contract.ReleaseContainerName(a.Name) == name
	})
}

// Tidy removes images that no release needs.
func (h *Host) Tidy(ctx context.Context) error { return h.removeImages(ctx, nil) }
