package appfile

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Names returns the names of the apps in the text of a stack file, in file order. It fails only if the text is not
// YAML: the rest of the file may be invalid.
func Names(text []byte) ([]string, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read the stack file: %w", err)
	}
	_, apps := appsOf(&document)
	return keys(apps), nil
}

// appsOf returns the config of a stack file, empty if there is none, and its apps, nil if there are none.
func appsOf(document *yaml.Node) (settings, apps *entry) {
	settings = &entry{value: &yaml.Node{}}
	if len(document.Content) > 0 {
		if found := find(document.Content[0], configKey); found != nil {
			settings = found
		}
	}
	return settings, find(settings.value, appsKey, appsName)
}

// keys returns the keys of a map; none if it is not a map.
func keys(e *entry) []string {
	if e == nil || e.value.Kind != yaml.MappingNode {
		return nil
	}
	var names []string
	for i := 0; i < len(e.value.Content); i += 2 {
		names = append(names, e.value.Content[i].Value)
	}
	return names
}
