package apps

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"webstack/contract"
	"webstack/host/docker"
)

// Base makes Postgres, unless it is external, and Caddy run by their definitions, and waits until both are healthy. A
// container is made anew only when its definition changed. Before it, the apps' env files and tls/APP/Caddyfile are
// there.
func (h *Host) Base(ctx context.Context) error {
	for _, app := range h.Manifest.Apps {
		file := contract.TLSDir + "/" + app.Name + "/" + contract.CertificateFile
		if _, err := h.Root.Stat(file); err != nil {
			return fmt.Errorf("start %s: %s must say which certificate it has: %w", contract.CaddyService, app.Name, err)
		}
	}
	definitions, err := h.definitions()
	if err != nil {
		return err
	}
	records, err := h.Records()
	if err != nil {
		return err
	}
	if err := h.writeComposeEnv(records); err != nil {
		return err
	}
	for _, service := range h.base() {
		d, ok := definitions[service]
		if !ok {
			return fmt.Errorf("start %s: the Compose file has no such service; run pulumi up", service)
		}
		if err := h.startBase(ctx, service, d); err != nil {
			return fmt.Errorf("start %s: %w", service, err)
		}
	}
	for _, service := range h.base() {
		if err := h.waitHealthy(ctx, service); err != nil {
			return fmt.Errorf("wait for %s: %w", service, err)
		}
	}
	return nil
}

// startBase makes the container of a base service run.
func (h *Host) startBase(ctx context.Context, service string, d definition) error {
	existing, err := h.containers(ctx, service)
	if err != nil {
		return err
	}
	var current *docker.Container
	for _, c := range existing {
		if c.Name == d.container {
			current = &c
			continue
		}
		// Compose makes a new container under another name before it stops the old one, and was killed there.
		h.say("%s: removing %s, which was left half made", service, c.Name)
		if err := h.Docker.Remove(ctx, c.ID); err != nil {
			return err
		}
	}
	same := current != nil && current.Sum == d.baseSum() && h.isMadeHere(*current)
	// One that restarts over and over is given a look: the cause may be gone, as when a port was taken.
	if same && (current.Running() || current.Status == "restarting") {
		return nil
	}
	if err := h.pull(ctx, d.image); err != nil {
		return err
	}
	switch {
	case current == nil:
		h.say("%s: starting", service)
	case same:
		h.say("%s: starting again, it is %s", service, current.State())
	default:
		h.say("%s: replacing it, as its definition changed", service)
	}
	return h.Docker.Up(ctx, service, docker.UpOptions{KeepExisting: same})
}

// isMadeHere tells whether a container has the files of this stack directory. One that was made by a Compose file in another
// place has, where that place leads here by a link.
func (h *Host) isMadeHere(c docker.Container) bool {
	if c.ComposeFile == "" {
		return true
	}
	made, err := os.Stat(filepath.Dir(filepath.Dir(c.ComposeFile)) + "/caddy")
	if err != nil {
		return false
	}
	here, err := h.Root.Stat("caddy")
	return err == nil && os.SameFile(made, here)
}

// waitHealthy waits until a base service's own health check succeeds, asking at once instead of at Docker's intervals,
// and, of Caddy, until its admin API answers. It gives up when the container ends.
func (h *Host) waitHealthy(ctx context.Context, service string) error {
	var first, now docker.Container
	err := h.waitFor(ctx, h.Timing.Base, func(ctx context.Context) (again bool, err error) {
		existing, err := h.containers(ctx, service)
		if err != nil {
			return false, err
		}
		if len(existing) != 1 {
			return false, fmt.Errorf("it has %d containers", len(existing))
		}
		now = existing[0]
		if first.ID == "" {
			first = now
		}
		if ended(first, now) {
			return false, fmt.Errorf("its container ended (%s)", now.State())
		}
		return true, h.healthy(ctx, service, now)
	})
	if err != nil && now.ID != "" {
		ctx, cancel := detached(ctx)
		defer cancel()
		h.showLog(ctx, now)
	}
	return err
}

// ended tells whether a container that was seen before does not run any more, or was restarted since.
func ended(before, now docker.Container) bool {
	return now.ID != before.ID || now.Status == "exited" || now.Status == "dead" || now.Restarts > before.Restarts
}

func (h *Host) healthy(ctx context.Context, service string, c docker.Container) error {
	if !c.Running() {
		return fmt.Errorf("it is %s", c.Status)
	}
	check, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := h.Docker.CheckHealth(check, c); err != nil {
		return err
	}
	if service == contract.CaddyService {
		return h.Caddy.Ready(ctx)
	}
	return nil
}
