package apps

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"gopkg.in/yaml.v3"

	"webstack/contract"
)

// definition is a service as the Compose file defines it.
type definition struct {
	image string
	// container is the name of its container, "" if Compose chooses it.
	container string
	// text is the whole definition in a normal form, whatever the order and the style of the file.
	text []byte
}

// definitions reads the services of the Compose file.
func (h *Host) definitions() (map[string]definition, error) {
	content, err := h.Root.ReadFile(contract.ComposePath)
	if err != nil {
		return nil, fmt.Errorf("read the Compose file: %w", err)
	}
	var file struct {
		Services map[string]map[string]any `yaml:"services"`
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("read the Compose file: %w", err)
	}
	all := map[string]definition{}
	for name, service := range file.Services {
		text, err := json.Marshal(service)
		if err != nil {
			return nil, fmt.Errorf("read the Compose file: service %s: %w", name, err)
		}
		image, _ := service["image"].(string)
		container, _ := service["container_name"].(string)
		all[name] = definition{image: image, container: container, text: text}
	}
	return all, nil
}

// baseSum returns the checksum of what the container of a base service is created from.
func (d definition) baseSum() string { return contract.Sum(d.text) }

// wanted is what an app's container should be created from.
type wanted struct {
	image, sum string
}

// env returns variables that make Compose create such a container with this address, whatever compose/.env says.
func (w wanted) env(app string, at string) []string {
	return []string{
		contract.ImageVariable(app) + "=" + w.image, contract.SumVariable(app) + "=" + w.sum,
		contract.AddressVariable(app) + "=" + at,
	}
}

// runEnv returns variables that make Compose create a container of its own for such an image, at an address that Docker
// chooses.
func (w wanted) runEnv(app string) []string {
	return []string{
		contract.ImageVariable(app) + "=" + w.image, contract.SumVariable(app) + "=", contract.AddressVariable(app) + "=",
	}
}

// want returns what the container of an app should be created from for a release's image: the app's definition, the
// image, and the app's secrets, of which only a checksum is used. Every env file contains a long random password, so the
// other secrets cannot be found by trying values until the checksum matches.
func (h *Host) want(app, image string) (wanted, error) {
	all, err := h.definitions()
	if err != nil {
		return wanted{}, err
	}
	d, ok := all[app]
	if !ok {
		return wanted{}, errors.New("the Compose file has no such service; run pulumi up")
	}
	env, err := h.Root.ReadFile(contract.EnvDir + "/" + app + ".env")
	if errors.Is(err, fs.ErrNotExist) {
		return wanted{}, fmt.Errorf("it has no env file %s/%s.env yet", contract.EnvDir, app)
	}
	if err != nil {
		return wanted{}, fmt.Errorf("read env file: %w", err)
	}
	return wanted{image: image, sum: sum([]string{string(d.text), image, string(env)})}, nil
}
