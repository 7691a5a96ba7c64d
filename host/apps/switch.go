package apps

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"webstack/contract"
	"webstack/host/docker"
	"webstack/host/memory"
)

// Switch sends an app's requests to a container of this image, with the app's current definition and env file. Visitors
// do not notice: the new container gets the requests once its health path answers with a 2xx status, and the old one is
// stopped when it has none left. If the new one fails, it is removed, the old one keeps answering, and the error is a
// StartError. If such a container already answers, nothing changes.
//
// commit, if not nil, is called when the new container is healthy and before it gets requests; its error is a failure
// too. switched reports whether the new container gets the requests, whatever else failed.
func (h *Host) Switch(
	ctx context.Context, app contract.ManifestApp, image string, commit func(context.Context) error,
) (switched bool, err error) {
	want, err := h.want(app.Name, image)
	if err != nil {
		return false, err
	}
	s := &change{Host: h, app: app, want: want}
	if err := s.look(ctx); err != nil {
		return false, err
	}
	done := s.done()
	if !done {
		if err := s.start(ctx); err != nil {
			return false, err
		}
		if err := s.answers(ctx); err != nil {
			return false, s.giveUp(ctx, err)
		}
	}
	if commit != nil {
		if err := commit(ctx); err != nil {
			return false, s.giveUp(ctx, err)
		}
	}
	if !done {
		if err := s.point(); err != nil {
			return false, err
		}
	}
	if err := h.remember(app.Name, want.released(app)); err != nil {
		return true, err
	}
	if len(s.old) > 0 {
		if err := h.waitForCaddy(ctx); err != nil {
			return true, err
		}
	}
	return true, h.retire(ctx, app.Name, s.old)
}

// change is one run of Switch.
type change struct {
	*Host
	app  contract.ManifestApp
	want wanted
	// next is the container that should answer; nil before it is created. live is the one that answers now.
	next, live *docker.Container
	// old are those to stop and remove, live among them unless it is next.
	old []docker.Container
	// outOfMemory is true once next was killed for its memory limit. Docker forgets that when it restarts the container.
	outOfMemory bool
}

// look finds the containers of the app: the one that answers, and those that a killed run has left.
func (s *change) look(ctx context.Context) error {
	existing, err := s.containers(ctx, s.app.Name)
	if err != nil {
		return err
	}
	live, err := s.hosts()
	if err != nil {
		return err
	}
	for _, c := range existing {
		if s.isLive(live, c) && s.current(c) {
			s.live = &c
		}
	}
	for _, c := range existing {
		_, fixed := s.address(c)
		switch {
		case s.live != nil && c.ID == s.live.ID:
		case s.next == nil && c.Sum == s.want.sum && c.Running() && c.Restarts == 0 && fixed:
			s.next = &c
		default:
			s.old = append(s.old, c)
		}
	}
	if s.live == nil {
		return nil
	}
	if s.live.Sum != s.want.sum {
		s.old = append(s.old, *s.live)
		return nil
	}
	// The live container already answers, so a second one of the same kind is not needed.
	if s.next != nil {
		s.old = append(s.old, *s.next)
	}
	s.next = s.live
	return nil
}

// current reports whether the container that answers should stay. One that restarts repeatedly should:
// a new one of the same kind would not be better.
func (s *change) current(c docker.Container) bool {
	return c.Running() || c.Status == "restarting" && c.Sum == s.want.sum
}

// done reports whether the right container already answers.
func (s *change) done() bool {
	if s.live == nil || s.next != s.live {
		return false
	}
	if s.live.Status == "restarting" {
		s.say("%s: %s keeps exiting and restarting (%s)", s.app.Name, s.live.Name, s.live.State())
	}
	return true
}

// start starts the new container next to the old one, unless a killed run has already done so.
func (s *change) start(ctx context.Context) error {
	if s.next != nil {
		return nil
	}
	// Compose would start the stopped ones again.
	if err := s.removeStopped(ctx); err != nil {
		return err
	}
	if err := s.pull(ctx, s.want.image); err != nil {
		return err
	}
	if err := s.checkMemory(); err != nil {
		return err
	}
	at, err := s.freeAddress(ctx, s.app.Name)
	if err != nil {
		return err
	}
	s.say("%s: starting %s", s.app.Name, s.want.image)
	up := s.Docker.Up(ctx, s.app.Name, docker.UpOptions{
		Scale: len(s.old) + 1, KeepExisting: true, Env: s.want.env(s.app.Name, s.edge().IP(at)),
	})
	// A start that failed may have created the container.
	done, cancel := detached(ctx)
	defer cancel()
	existing, err := s.containers(done, s.app.Name)
	if err != nil {
		return errors.Join(up, err)
	}
	for _, c := range existing {
		if !slices.ContainsFunc(s.old, func(o docker.Container) bool { return o.ID == c.ID }) {
			s.next = &c
		}
	}
	switch {
	case up != nil:
		err := fmt.Errorf("start its container: %w", up)
		if s.next != nil {
			return s.giveUp(ctx, err)
		}
		return err
	case s.next == nil:
		return errors.New("start its container: Compose did not create one")
	}
	return nil
}

// spareMemory is what stays free when a second container uses as much as the live one, in bytes.
const spareMemory = 32 << 20

// checkMemory refuses to start a second container if the host has too little memory for two: the kernel would kill one of
// them, or a container of another app. What cannot be read does not count.
func (s *change) checkMemory() error {
	if s.live == nil || s.live.PID == 0 {
		return nil
	}
	used, err := memory.Used(s.Data, s.live.PID)
	free := memory.Read(s.Data)
	left := free.Available + free.SwapFree
	if err != nil || free.Total == 0 || used+spareMemory <= left {
		return nil
	}
	const mebi = 1 << 20
	return fmt.Errorf("start its container: the host has %d MiB of memory left, and the live container uses %d MiB: there is no "+
		"room for two; choose a larger instanceType, or lower the memoryMb of apps", left/mebi, used/mebi)
}

func (s *change) removeStopped(ctx context.Context) error {
	var running []docker.Container
	for _, c := range s.old {
		if c.Running() {
			running = append(running, c)
			continue
		}
		s.say("%s: removing %s, which is %s", s.app.Name, c.Name, c.State())
		if err := s.Docker.Remove(ctx, c.ID); err != nil {
			return err
		}
	}
	s.old = running
	return nil
}

// point sends the app's requests to the new container.
func (s *change) point() error {
	at, ok := s.address(*s.next)
	if !ok {
		return fmt.Errorf("switch to %s: it has no fixed address on the network %s", s.next.Name, contract.EdgeNetwork)
	}
	if err := s.setLive(s.app.Name, &at); err != nil {
		return err
	}
	s.say("%s: switched: %s answers now", s.app.Name, s.next.Name)
	return nil
}

// giveUp removes the new container after a failure, and adds to the error its last lines and what is known about the
// cause. It does not remove the live container, even if that is not healthy.
func (s *change) giveUp(ctx context.Context, failure error) error {
	if s.next == s.live {
		return failure
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	failure = s.explain(ctx, failure, s.lastLines(ctx, *s.next))
	if err := s.Docker.Remove(ctx, s.next.ID); err != nil {
		s.say("%s: %s stays until the next run: %v", s.app.Name, s.next.Name, err)
	}
	return failure
}

// retire stops and removes containers of an app that should no longer answer, once they have no requests left.
func (h *Host) retire(ctx context.Context, app string, old []docker.Container) error {
	var ids []string
	for _, c := range old {
		ids = append(ids, c.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	if err := h.drain(ctx, app, old); err != nil {
		return err
	}
	if err := h.Docker.Stop(ctx, ids...); err != nil {
		return err
	}
	h.sayKilled(ctx, app, old)
	if err := h.Docker.Remove(ctx, ids...); err != nil {
		return err
	}
	for _, c := range old {
		h.say("%s: stopped and removed %s", app, c.Name)
	}
	return nil
}

// sayKilled says which containers did not exit when they were told to.
func (h *Host) sayKilled(ctx context.Context, app string, stopped []docker.Container) {
	const killed = 137
	for _, c := range stopped {
		now, err := h.Docker.Container(ctx, c.ID)
		if err == nil && c.Running() && now.ExitCode == killed && !now.OutOfMemory {
			h.say("%s: %s was killed: it did not exit within %s of SIGTERM; if it needs more time, increase stopGraceSeconds",
				app, c.Name, h.seconds(h.app(app).StopGraceSeconds))
		}
	}
}

// Withdraw makes an app answer that it has not been deployed. It removes the container once that has no requests left.
// The database and the image stay.
func (h *Host) Withdraw(ctx context.Context, app string) error {
	live, err := h.hosts()
	if err != nil {
		return err
	}
	if _, ok := live[app]; ok {
		// First, stop new requests.
		if err := h.proxy(ctx, app); err != nil {
			return err
		}
		if err := h.setLive(app, nil); err != nil {
			return err
		}
	}
	records, err := h.Records()
	if err != nil {
		return err
	}
	if records[app].Image != "" {
		err := h.remember(app, func(r Record) Record {
			r.Image, r.Sum, r.Previous = "", "", r.Image
			return r
		})
		if err != nil {
			return err
		}
	}
	existing, err := h.containers(ctx, app)
	if err != nil {
		return err
	}
	return h.retire(ctx, app, existing)
}

// drain waits until Caddy has no connection to the containers, or the time for it is over. Caddy uses a connection for
// one request or WebSocket only.
func (h *Host) drain(ctx context.Context, app string, old []docker.Container) error {
	from, err := h.caddyAddress(ctx)
	if err != nil {
		return err
	}
	if !from.IsValid() {
		return nil // without Caddy there are no requests
	}
	limit := h.seconds(h.app(app).DrainTimeoutSeconds)
	deadline := time.Now().Add(limit)
	for {
		open := 0
		for _, c := range old {
			open += h.Docker.Connections(c, h.app(app).Port, docker.Established, docker.CloseWait)[from]
		}
		switch {
		case open == 0:
			h.say("%s: the old container has no requests left", app)
			return nil
		case time.Now().After(deadline):
			h.say("%s: stopping it after %s, requests in flight: %d; if they need more time, increase drainTimeoutSeconds", app,
				limit, open)
			return nil
		}
		if err := h.pause(ctx); err != nil {
			return err
		}
	}
}

// caddyAddress returns Caddy's address on the network of the apps; invalid if it is not running.
func (h *Host) caddyAddress(ctx context.Context) (netip.Addr, error) {
	running, err := h.containers(ctx, contract.CaddyService)
	if err != nil || len(running) == 0 {
		return netip.Addr{}, err
	}
	address, _ := netip.ParseAddr(running[0].Addresses[contract.EdgeNetwork])
	return address, nil
}
