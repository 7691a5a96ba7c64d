package apps

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"webstack/host/docker"
)

// StartError says why an app's new container was not used.
type StartError struct {
	Err error
	// Container is its name.
	Container string
	// Lines are the last lines that the container wrote, safe for a terminal.
	Lines []string
}

func (e *StartError) Error() string { return e.Err.Error() }

func (e *StartError) Unwrap() error { return e.Err }

// LastLines returns the last lines that the container wrote.
func (e *StartError) LastLines() []string { return e.Lines }

// pidOneRE matches the messages of images whose own init must be process 1, such as those with s6-overlay or systemd.
var pidOneRE = regexp.MustCompile(`(?i)\b(as|be|not|is) (running as )?pid (1|one)\b`)

// explain adds what the host knows about the cause to the error of a container that was not used.
func (s *change) explain(ctx context.Context, err error, lines []string) error {
	now, lookErr := s.Docker.Container(ctx, s.next.ID)
	if lookErr != nil {
		now = *s.next
	}
	for _, cause := range []string{
		s.wrongPlatform(ctx, now), s.memory(now), needsPIDOne(now, lines), s.listensElsewhere(now),
	} {
		if cause != "" {
			err = fmt.Errorf("%w; %s", err, cause)
		}
	}
	return &StartError{Err: err, Container: s.next.Name, Lines: lines}
}

// wrongPlatform says if the image was built for another platform than the host's.
func (s *change) wrongPlatform(ctx context.Context, c docker.Container) string {
	of, imageErr := s.Docker.ImagePlatform(ctx, c.Image)
	host, hostErr := s.Docker.Platform(ctx)
	if imageErr != nil || hostErr != nil || of == "" || of == host {
		return ""
	}
	return fmt.Sprintf("the image is built for %s, but this host is %s: build it with docker build --platform %[2]s", of, host)
}

func (s *change) memory(c docker.Container) string {
	if !c.OutOfMemory && !s.outOfMemory {
		return ""
	}
	const mebi = 1 << 20
	return fmt.Sprintf("it needed more than its %d MiB of memory and was killed: increase memoryMb", c.Memory/mebi)
}

func needsPIDOne(c docker.Container, lines []string) string {
	if !c.Init || !slices.ContainsFunc(lines, pidOneRE.MatchString) {
		return ""
	}
	return "its image must run as process 1, which Docker's init is: set init: false for the app"
}

// listensElsewhere reports whether the app listens on an address or port that Caddy cannot reach.
func (s *change) listensElsewhere(c docker.Container) string {
	var loopback, other []string
	for _, at := range s.Docker.Listening(c) {
		switch {
		// Docker's own name server listens in every container.
		case at.Addr() == dockerDNS:
		case at.Port() != uint16(s.app.Port):
			other = append(other, at.String())
		case at.Addr().IsLoopback():
			loopback = append(loopback, at.String())
		default:
			return ""
		}
	}
	switch {
	case len(loopback) > 0:
		return fmt.Sprintf("the app listens only on %s, which nothing outside its container can reach: make it listen on 0.0.0.0",
			strings.Join(loopback, " and "))
	case len(other) > 0:
		return fmt.Sprintf("the app listens on %s: make it listen on port %d, which it gets as PORT, or change containerPort",
			strings.Join(other, " and "), s.app.Port)
	}
	return ""
}

var dockerDNS = netip.MustParseAddr("127.0.0.11")

// pullError adds a hint to the error of a pull.
func (h *Host) pullError(ctx context.Context, err error) error {
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "no matching manifest") {
		return err
	}
	host, platformErr := h.Docker.Platform(ctx)
	if platformErr != nil {
		return errors.Join(err, platformErr)
	}
	return fmt.Errorf("%w; this host is %s: build the image with docker build --platform %[2]s", err, host)
}
