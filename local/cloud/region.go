package cloud

import (
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"webstack/local/workdir"
)

// defaultRegion is used if the stack's config file does not name a region.
const defaultRegion = "us-east-1"

// regionOf reads aws:region from the config file of the stack local.
func regionOf(dir workdir.Dir) (string, error) {
	path := filepath.Join(string(dir), "Pulumi.local.yaml")
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return defaultRegion, nil
	}
	if err != nil {
		return "", fmt.Errorf("read the region: %w", err)
	}
	var file struct {
		Config struct {
			Region string `yaml:"aws:region"`
		} `yaml:"config"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return "", fmt.Errorf("read aws:region in %s: %w", path, err)
	}
	if file.Config.Region == "" {
		return defaultRegion, nil
	}
	return file.Config.Region, nil
}
