package apps

import (
	"context"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"webstack/contract"
)

// clean removes what containers, definitions and builds have left behind: stopped containers of `docker compose run`,
// unused anonymous volumes, networks that are not in the Compose file, and build cache that was not used for a week. It
// never touches named volumes. If something cannot be removed, it says so without failing: the next run tries again.
func (h *Host) clean(ctx context.Context) error {
	if err := h.Docker.RemoveOneOffs(ctx); err != nil {
		h.say("cannot remove old containers: %v", err)
	}
	if err := h.removeSessions(ctx); err != nil {
		h.say("cannot remove the containers of commands that were cut off: %v", err)
	}
	removed, err := h.Docker.RemoveAnonymousVolumes(ctx)
	switch {
	case err != nil:
		h.say("cannot remove unused volumes: %v", err)
	case removed > 0:
		h.say("removed unused anonymous volumes: %d", removed)
	}
	if err := h.Docker.RemoveBuildCache(ctx); err != nil {
		h.say("cannot remove the build cache: %v", err)
	}
	wanted, err := h.networks()
	if err != nil {
		return err
	}
	networks, err := h.Docker.Networks(ctx)
	if err != nil {
		return err
	}
	for _, name := range networks {
		if slices.Contains(wanted, name) {
			continue
		}
		if err := h.Docker.RemoveNetwork(ctx, name); err != nil {
			h.say("cannot remove network %s: %v", name, err)
			continue
		}
		h.say("removed network %s", name)
	}
	return nil
}

// networks returns the names of the networks in the Compose file.
func (h *Host) networks() ([]string, error) {
	content, err := h.Root.ReadFile(contract.ComposePath)
	if err != nil {
		return nil, fmt.Errorf("read the Compose file: %w", err)
	}
	var file struct {
		Networks map[string]any `yaml:"networks"`
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("read the Compose file: %w", err)
	}
	var names []string
	for name := range file.Networks {
		names = append(names, name)
	}
	return names, nil
}
