package apps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"webstack/contract"
	"webstack/host/docker"
	"webstack/host/files"
)

// hosts reads which container answers for each app. A file that is missing or damaged names fewer: the next switch
// writes it again.
func (h *Host) hosts() (contract.Hosts, error) {
	text, err := h.Root.ReadFile(contract.HostsPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the live containers: %w", err)
	}
	return contract.ParseHosts(text, h.edge()), nil
}

// writeHosts writes what hosts reads.
func (h *Host) writeHosts(live contract.Hosts) (changed bool, err error) {
	return files.WriteInPlace(h.Root, contract.HostsPath, live.Text(h.edge()), 0o644)
}

// edge is the subnet of the apps.
func (h *Host) edge() contract.Edge { return h.Manifest.Edge() }

// address returns the fixed address of a container.
func (h *Host) address(c docker.Container) (contract.Address, bool) {
	return h.edge().Address(c.Fixed[contract.EdgeNetwork])
}

// setLive makes a fixed address the one that answers for an app; nil means that nobody does.
func (h *Host) setLive(app string, address *contract.Address) error {
	live, err := h.hosts()
	if err != nil {
		return err
	}
	delete(live, app)
	if address != nil {
		// In a damaged file, another app may have the block.
		maps.DeleteFunc(live, func(_ string, at contract.Address) bool { return at.Block == address.Block })
		live[app] = *address
	}
	_, err = h.writeHosts(live)
	return err
}

// isLive reports whether a container is the one that answers for its app.
func (h *Host) isLive(live contract.Hosts, c docker.Container) bool {
	return live.Has(h.edge(), c.Service, c.Fixed[contract.EdgeNetwork])
}

// freeAddress returns a fixed address for a new container of an app: in the app's block, or in a free one if it has
// none yet.
func (h *Host) freeAddress(ctx context.Context, app string) (contract.Address, error) {
	live, err := h.hosts()
	if err != nil {
		return contract.Address{}, err
	}
	all, err := h.Docker.Containers(ctx)
	if err != nil {
		return contract.Address{}, err
	}
	owner, taken := map[int]string{}, map[contract.Address]bool{}
	for name, at := range live {
		owner[at.Block], taken[at] = name, true
	}
	for _, c := range all {
		if at, ok := h.address(c); ok {
			owner[at.Block], taken[at] = c.Service, true
		}
	}
	block := -1
	for b := range contract.MaxAddressBlocks {
		if owner[b] == app {
			block = b
			break
		}
		if owner[b] == "" && block < 0 {
			block = b
		}
	}
	for slot := range contract.AddressesPerApp {
		at := contract.Address{Block: block, Slot: slot}
		if block >= 0 && !taken[at] {
			return at, nil
		}
	}
	return contract.Address{}, errors.New("choose an address for its container: all are taken")
}

// waitForCaddy waits until Caddy sends no more requests to the containers that answered before: it follows a change of
// the live containers with a delay.
func (h *Host) waitForCaddy(ctx context.Context) error {
	info, err := h.Root.Stat(contract.HostsPath)
	if err != nil {
		return fmt.Errorf("find out when the live containers changed: %w", err)
	}
	return wait(ctx, max(0, min(time.Until(info.ModTime().Add(h.Timing.Follow)), h.Timing.Follow)))
}
