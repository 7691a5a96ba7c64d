package machine

import (
	"context"
	"errors"
	"fmt"

	"webstack/local/machine/wire"
)

// Attach attaches a volume to a machine, or grows it if it is attached. A stopped machine gets it at the next start.
func (e *Engine) Attach(ctx context.Context, instanceID, volumeID string, sizeGiB int) error {
	if !validVolume.MatchString(volumeID) || sizeGiB < 1 {
		return fmt.Errorf("attach a volume: %q with %d GiB is not a volume", volumeID, sizeGiB)
	}
	return e.change(ctx, "attach "+volumeID+" to", instanceID, func(h *host, ctx context.Context) error {
		if other := e.attachedTo(volumeID); other != nil && other != h {
			return fmt.Errorf("%s has it; detach it there first", other.id)
		}
		volume := wire.Volume{ID: volumeID, SizeGiB: sizeGiB}
		if h.up() {
			if err := h.ask(ctx, wire.Request{Op: wire.Attach, Volume: volume}); err != nil {
				return err
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.volumes[volumeID] = volume
		return nil
	})
}

// Detach detaches a volume from a machine. A mounted volume stays, and the error says where it is mounted. A volume
// that the machine does not have is not an error.
func (e *Engine) Detach(ctx context.Context, instanceID, volumeID string) error {
	return e.change(ctx, "detach "+volumeID+" from", instanceID, func(h *host, ctx context.Context) error {
		if h.up() {
			if err := h.ask(ctx, wire.Request{Op: wire.Detach, Volume: wire.Volume{ID: volumeID}}); err != nil {
				return err
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.volumes, volumeID)
		return nil
	})
}

// DeleteVolume removes a volume's content. An unknown one is not an error.
func (e *Engine) DeleteVolume(ctx context.Context, volumeID string) error {
	if !validVolume.MatchString(volumeID) {
		return fmt.Errorf("delete a volume: %q is not a volume id", volumeID)
	}
	if h := e.attachedTo(volumeID); h != nil {
		return fmt.Errorf("delete volume %s: %s has it; detach it there first", volumeID, h.id)
	}
	_, err := docker(ctx, "run", "--rm", "--network", "none", "--label", e.label(),
		"--mount", e.mount(e.name("volumes"), wire.Volumes), e.prepared.image, "rm", "-f", wire.Volumes+"/"+volumeID)
	if err != nil {
		return fmt.Errorf("delete volume %s: %w", volumeID, err)
	}
	return nil
}

// attachedTo returns the machine that has a volume, or nil.
func (e *Engine) attachedTo(volumeID string) *host {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.machines {
		h.mu.Lock()
		_, has := h.volumes[volumeID]
		h.mu.Unlock()
		if has {
			return h
		}
	}
	return nil
}

// ask sends a request to the machine's agent, and waits for it while the machine is booting.
func (h *host) ask(ctx context.Context, request wire.Request) error {
	tunnel, err := h.ready(ctx)
	if err != nil {
		return err
	}
	conn, err := tunnel.Open()
	if err != nil {
		return errLost
	}
	done := make(chan error, 1)
	go func() { done <- ask(conn, request) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.Join(ctx.Err(), conn.Close())
	}
}
