package apps

import (
	"context"
	"fmt"

	"webstack/host/docker"
)

// Halt stops the containers of an app, once they have no requests left, and does not remove them. Nothing answers
// for the app until Resume or the next converge, so the caller puts up the maintenance page first.
func (h *Host) Halt(ctx context.Context, app string) error {
	existing, err := h.containers(ctx, app)
	if err != nil {
		return err
	}
	var running []docker.Container
	var ids []string
	for _, c := range existing {
		if c.Running() || c.Status == "restarting" {
			running, ids = append(running, c), append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := h.drain(ctx, app, running); err != nil {
		return err
	}
	if err := h.Docker.Stop(ctx, ids...); err != nil {
		return err
	}
	h.sayKilled(ctx, app, running)
	h.say("%s: stopped", app)
	return nil
}

// Resume makes an app run its release again after Halt, in a new container, and waits until it is healthy. It does
// nothing for an app without a release.
func (h *Host) Resume(ctx context.Context, name string) error {
	records, err := h.Records()
	if err != nil {
		return err
	}
	app, ok := h.Manifest.App(name)
	switch {
	case !ok:
		return fmt.Errorf("find app %s: the stack on this host has no such app; run pulumi up", name)
	case records[name].Image == "":
		return nil
	}
	_, err = h.Switch(ctx, app, records[name].Image, nil)
	if err != nil {
		h.SayFailed(name, err)
	}
	return err
}
