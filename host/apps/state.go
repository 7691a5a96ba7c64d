package apps

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"webstack/contract"
)

// statePath is where the host remembers the releases. compose/.env is derived from it.
const statePath = contract.StateDir + "/apps.json"

// Record is what the host remembers about an app.
type Record struct {
	// Repository is the app's last image repository.
	Repository string `json:"repository"`
	// Image is the image of the live release, "" without one, and Sum the checksum of its container.
	Image string `json:"image"`
	Sum   string `json:"sum"`
	// Previous is the image of the previous release, "" without one: the target of a rollback.
	Previous string `json:"previous"`
}

// Records reads what the host remembers, by app. It includes apps that are gone until they are completely removed.
func (h *Host) Records() (map[string]Record, error) {
	records := map[string]Record{}
	content, err := h.Root.ReadFile(statePath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return records, nil
	case err != nil:
		return nil, fmt.Errorf("read the host's state: %w", err)
	}
	if json.Unmarshal(content, &records) != nil || records == nil {
		// Only the previous releases are lost, and the file is about to be written again.
		return map[string]Record{}, nil
	}
	return records, nil
}

// remember changes what the host remembers about an app; nil forgets it. It updates compose/.env.
func (h *Host) remember(app string, change func(Record) Record) error {
	records, err := h.Records()
	if err != nil {
		return err
	}
	if change == nil {
		delete(records, app)
	} else {
		records[app] = change(records[app])
	}
	content, err := json.MarshalIndent(records, "", "  ")
	if err != nil {
		return err
	}
	if _, err := h.write(statePath, append(content, '\n')); err != nil {
		return err
	}
	return h.writeComposeEnv(records)
}

// released returns the record of an app that now runs this.
func (w wanted) released(a contract.ManifestApp) func(Record) Record {
	return func(r Record) Record {
		if r.Image != "" && r.Image != w.image {
			r.Previous = r.Image
		}
		r.Repository, r.Image, r.Sum = a.Repository, w.image, w.sum
		return r
	}
}

// writeComposeEnv writes the variables that make the Compose file match the containers.
func (h *Host) writeComposeEnv(records map[string]Record) error {
	definitions, err := h.definitions()
	if err != nil {
		return err
	}
	images, sums := map[string]string{}, map[string]string{}
	for _, service := range h.base() {
		sums[service] = definitions[service].baseSum()
	}
	for _, app := range slices.Sorted(maps.Keys(records)) {
		// An app that is gone is still in the records, but no longer in the Compose file.
		if h.isApp(app) && records[app].Image != "" {
			images[app], sums[app] = records[app].Image, records[app].Sum
		}
	}
	live, err := h.hosts()
	if err != nil {
		return err
	}
	addresses := map[string]string{}
	for app, at := range live {
		addresses[app] = h.edge().IP(at)
	}
	text, err := contract.ComposeEnv(images, sums, addresses)
	if err != nil {
		return err
	}
	_, err = h.write(contract.ComposeEnvPath, text)
	return err
}
