package appfile

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"webstack/config"
)

// Field is one field of the new app: a string, a bool, an int64 or a list of strings.
type Field struct {
	Name  string
	Value any
}

// configKey and appsKey are the keys of the apps. Pulumi also accepts appsKey without its namespace.
const (
	configKey = "config"
	appsName  = "apps"
	appsKey   = config.Namespace + ":" + appsName
)

// ErrThere says that the file already has an app with that name.
var ErrThere = errors.New("is already in the stack file")

// Add returns text with one more app. It refuses a file that it cannot extend by inserting lines.
func Add(text []byte, name string, fields []Field) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read the stack file: %w", err)
	}
	f := newLines(text)
	app, err := render(name, fields)
	if err != nil {
		return nil, err
	}
	if err := f.add(&document, name, app); err != nil {
		return nil, err
	}
	added := f.bytes()
	return added, check(text, added, name, fields)
}

// add finds the place for the new app and inserts it.
func (f *lines) add(document *yaml.Node, name string, app []string) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	if len(document.Content) > 0 {
		root = document.Content[0]
	}
	if root.Kind != yaml.MappingNode {
		return errors.New("add to the stack file: it is not a YAML map")
	}
	settings := find(root, configKey)
	if settings == nil {
		f.insert(len(f.text), 0, append([]string{configKey + ":", "  " + appsKey + ":"}, indented(app, 4)...))
		return nil
	}
	apps := find(settings.value, appsKey, appsName)
	if apps == nil {
		entry := append([]string{appsKey + ":"}, indented(app, step(settings))...)
		return f.into(settings, entry)
	}
	if apps.value.Kind == yaml.MappingNode && find(apps.value, name) != nil {
		return fmt.Errorf("add app %q: it %w; edit it there", name, ErrThere)
	}
	return f.into(apps, app)
}

// entry is a key of a map and its value.
type entry struct{ key, value *yaml.Node }

// find returns the entry of a map that has one of the names, nil if there is none.
func find(node *yaml.Node, names ...string) *entry {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		for _, name := range names {
			if node.Content[i].Value == name {
				return &entry{key: node.Content[i], value: node.Content[i+1]}
			}
		}
	}
	return nil
}

// step returns the indentation of the entries of a map.
func step(e *entry) int {
	const usual = 2
	if e == nil || len(e.value.Content) == 0 || e.value.Line == e.key.Line {
		return usual
	}
	return e.value.Content[0].Column - e.key.Column
}

// into inserts lines at the end of the map in e's value.
func (f *lines) into(e *entry, more []string) error {
	at, column := e.key.Line-1, e.key.Column-1
	switch {
	case e.value.Tag == "!!null", e.value.Kind == yaml.MappingNode && len(e.value.Content) == 0:
		if err := f.clear(at, e); err != nil {
			return err
		}
		f.insert(at+1, column+step(nil), more)
		return nil
	case e.value.Kind != yaml.MappingNode, len(e.value.Content) == 2 && e.value.Content[0].Value == "secure":
		return fmt.Errorf("add to %s: it is not a plain map in the stack file", e.key.Value)
	case e.value.Style&yaml.FlowStyle != 0:
		return fmt.Errorf("add to %s: it is written in braces; write it as a block, one entry per line", e.key.Value)
	}
	f.insert(f.after(at, column), column+step(e), more)
	return nil
}

// clear removes the notation of an empty map after its key: nothing, {}, null or ~.
func (f *lines) clear(at int, e *entry) error {
	sign := e.value.Value
	if e.value.Kind == yaml.MappingNode {
		sign = "{}"
	}
	if sign == "" {
		return nil
	}
	before, behind, found := strings.Cut(f.text[at], ":"+" "+sign)
	if !found || e.value.Line != e.key.Line {
		return fmt.Errorf("add to %s: write its empty map as {} after the key", e.key.Value)
	}
	f.text[at] = before + ":" + behind
	return nil
}

// render writes the app as block YAML, one string per line.
func render(name string, fields []Field) ([]string, error) {
	key, err := scalar(name)
	if err != nil {
		return nil, err
	}
	out := []string{key + ":"}
	for _, field := range fields {
		text, err := scalar(field.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, "  "+field.Name+": "+text)
	}
	if len(fields) == 0 {
		out[0] += " {}"
	}
	return out, nil
}

// scalar writes a value on one line, quoted if necessary.
func scalar(value any) (string, error) {
	var node yaml.Node
	if err := node.Encode(value); err != nil {
		return "", fmt.Errorf("write %v as YAML: %w", value, err)
	}
	node.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(&node)
	if err != nil {
		return "", fmt.Errorf("write %v as YAML: %w", value, err)
	}
	line := strings.TrimSuffix(string(text), "\n")
	if strings.Contains(line, "\n") {
		return "", fmt.Errorf("write %q as YAML: it does not fit on one line", value)
	}
	return line, nil
}

// check makes sure that the new text has the content of the old one, the new app, and nothing else.
func check(before, after []byte, name string, fields []Field) error {
	var old, changed map[string]any
	if err := errors.Join(yaml.Unmarshal(before, &old), yaml.Unmarshal(after, &changed)); err != nil {
		return fmt.Errorf("add app %q: the stack file would no longer be valid YAML; add it by hand: %w", name, err)
	}
	settings, _ := changed[configKey].(map[string]any)
	for _, key := range []string{appsKey, appsName} {
		apps, ok := settings[key].(map[string]any)
		app, found := apps[name].(map[string]any)
		if !ok || !found || len(app) != len(fields) {
			continue
		}
		delete(apps, name)
		if sameButEmpty(old, changed, key) {
			return nil
		}
	}
	return fmt.Errorf("add app %q: the change would affect other parts of the stack file; add it by hand", name)
}

// sameButEmpty compares two files. The second may have an empty map of apps, or config, that the first lacks.
func sameButEmpty(old, changed map[string]any, key string) bool {
	settings, _ := changed[configKey].(map[string]any)
	was, _ := old[configKey].(map[string]any)
	if apps, _ := settings[key].(map[string]any); len(apps) == 0 && was[key] == nil {
		delete(settings, key)
		if was != nil {
			delete(was, key)
		}
	}
	if apps, ok := was[key].(map[string]any); ok && len(apps) == 0 {
		was[key] = map[string]any{}
	}
	if len(settings) == 0 && len(was) == 0 {
		delete(changed, configKey)
		delete(old, configKey)
	}
	return len(old) == 0 && len(changed) == 0 || reflect.DeepEqual(old, changed)
}
