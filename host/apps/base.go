package apps

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"webstack/contract"
	"webstack/host/docker"
)

// Base runs Postgres, unless it is external, and Caddy as defined, and waits until both are healthy. It recreates a
// container only if its definition changed. The apps' env files and tls/APP/Caddyfile must already exist.
func (h *Host) Base(ctx context.Context) error {
	for _, app := range h.Manifest.Apps {
		file := contract.TLSDir + "/" + app.Name + "/" + contract.CertificateFile
		if _, err := h.Root.Stat(file); err != nil {
			return fmt.Errorf("start %s: read the certificate setting of %s: %w", contract.CaddyService, app.Name, err)
		}
	}
	// Caddy mounts the file.
	live, err := h.hosts()
	if err != nil {
		return err
	}
	if _, err := h.writeHosts(live); err != nil {
		return err
	}
	if err := h.writeSites(); err != nil {
		return err
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

// startBase starts the container of a base service.
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
		// Compose creates a new container under another name before it stops the old one, and was killed then.
		h.say("%s: removing the incomplete container %s", service, c.Name)
		if err := h.Docker.Remove(ctx, c.ID); err != nil {
			return err
		}
	}
	same := current != nil && current.Sum == d.baseSum() && h.isMadeHere(*current)
	// A container that restarts repeatedly is started again: the cause may be gone, such as a port that was in use.
	if same && (current.Running() || current.Status == "restarting") {
		return h.ensureHosts(ctx, *current)
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
		h.say("%s: replacing it, because its definition changed", service)
	}
	return h.Docker.Up(ctx, service, docker.UpOptions{KeepExisting: same})
}

// ensureHosts restarts Caddy if it does not see the file with the live containers, because somebody has replaced it.
func (h *Host) ensureHosts(ctx context.Context, c docker.Container) error {
	if c.Service != contract.CaddyService {
		return nil
	}
	seen, err := h.Docker.Stat(c, "etc/hosts")
	if err != nil {
		return nil // it is not running, and will mount the file when it starts
	}
	here, err := h.Root.Stat(contract.HostsPath)
	if err != nil || os.SameFile(seen, here) {
		return err
	}
	h.say("%s: restarting it, because %s was replaced", c.Service, contract.HostsPath)
	return h.Docker.Restart(ctx, c.ID)
}

// isMadeHere reports whether a container uses the files of this stack directory. One that was created from a Compose
// file elsewhere does if that place is a link to this one.
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

// waitHealthy waits until a base service's own health check succeeds, and, for Caddy, until its admin API answers. It
// runs the check itself instead of waiting for Docker's intervals. It gives up when the container exits.
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
			return false, fmt.Errorf("its container exited (%s)", now.State())
		}
		return true, h.healthy(ctx, service, now)
	})
	if err != nil && now.ID != "" {
		ctx, cancel := detached(ctx)
		defer cancel()
		h.sayLines(now.Name, h.lastLines(ctx, now))
	}
	return err
}

// ended reports whether a container that was seen before is no longer running, or has been restarted since.
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
