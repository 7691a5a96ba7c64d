package apps

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"webstack/contract"
	"webstack/host/docker"
)

// answerTimeout is how long one health check may take.
const answerTimeout = 5 * time.Second

// answers waits until the new container's health path answers with a 2xx status. It gives up when the container exits.
func (s *change) answers(ctx context.Context) error {
	began := time.Now()
	var seen time.Time // when it was first seen to have exited
	err := s.waitFor(ctx, s.seconds(s.app.StartTimeoutSeconds), func(ctx context.Context) (again bool, err error) {
		now, err := s.Docker.Container(ctx, s.next.ID)
		if err != nil {
			return false, err
		}
		s.outOfMemory = s.outOfMemory || now.OutOfMemory
		if ended(*s.next, now) {
			if seen.IsZero() {
				seen = time.Now()
			}
			// Docker has restarted it, and its exit code is known only when it exits again.
			if now.Running() && time.Since(seen) < restartLook*s.Timing.Second/1000 {
				return true, fmt.Errorf("%s exited before it answered", now.Name)
			}
			return false, fmt.Errorf("%s exited before it answered (%s)", now.Name, ending(now))
		}
		return true, s.probe(ctx, now)
	})
	var late *lateError
	switch {
	case errors.As(err, &late):
		// On a busy host an exit can stay unseen: before the first look, or during the last.
		if now, lookErr := s.Docker.Container(ctx, s.next.ID); lookErr == nil && (ended(*s.next, now) || now.Restarts > 0) {
			return fmt.Errorf("%s exited before it answered (%s)", now.Name, ending(now))
		}
		return fmt.Errorf("%w; if it only needs more time, increase startTimeoutSeconds", err)
	case err != nil:
		return err
	}
	s.say("%s: %s is healthy after %s", s.app.Name, s.next.Name, time.Since(began).Round(10*time.Millisecond))
	return nil
}

// restartLook is for how many thousandths of a second a restarting container is watched to see how it exits.
const restartLook = 700

// ending says how a container exited.
func ending(c docker.Container) string {
	if c.Running() {
		return "Docker has restarted it"
	}
	return c.State()
}

// lateError says that something was not healthy in time, and why.
type lateError struct {
	limit time.Duration
	err   error
}

func (e *lateError) Error() string {
	return fmt.Sprintf("it is not healthy after %s: %v", e.limit, e.err)
}

func (e *lateError) Unwrap() error { return e.err }

// waitFor calls look until it succeeds, returns a final error, or the time is over. It returns the last error.
func (h *Host) waitFor(ctx context.Context, limit time.Duration, look func(context.Context) (again bool, err error)) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		again, err := look(limited)
		if err == nil {
			return nil
		}
		// The error of a call that the time limit has interrupted says less than the one before.
		if last == nil || limited.Err() == nil {
			last = err
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case limited.Err() == nil && !again:
			return err
		case h.pause(limited) != nil:
			return &lateError{limit, last}
		}
	}
}

// probe requests a container's health path once, like Caddy would: with the app's domain, as if by HTTPS.
func (s *change) probe(ctx context.Context, c docker.Container) error {
	ip := c.Addresses[contract.EdgeNetwork]
	if ip == "" {
		return fmt.Errorf("it has no address on the network %s", contract.EdgeNetwork)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	address := net.JoinHostPort(ip, strconv.Itoa(s.app.Port))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+s.app.HealthPath, nil)
	if err != nil {
		return fmt.Errorf("request %s: %w", s.app.HealthPath, err)
	}
	req.Host = s.app.Domain
	req.Header.Set("User-Agent", "webstack-health")
	req.Header.Set("X-Forwarded-Proto", "https")
	req.Header.Set("X-Forwarded-Host", s.app.Domain)
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: s.Dial},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return reason(err, s.app.Port)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("GET %s on port %d answers %s, not 2xx", s.app.HealthPath, s.app.Port, resp.Status)
	}
	return nil
}

// reason says why a container did not answer, without its address, which helps nobody.
func reason(err error, port int) error {
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("port %d does not answer in time", port)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("port %d does not accept connections: %w", port, op.Err)
	}
	return fmt.Errorf("port %d does not answer: %w", port, errors.Unwrap(err))
}
