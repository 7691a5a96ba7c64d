package appfile

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"webstack/config"
)

// ErrNotThere says that the file has no app with that name.
var ErrNotThere = errors.New("is not in the stack file")

// The keys besides apps that refer to apps: maps by app name, and the name of one app.
const (
	envPlainName  = "appEnvPlain"
	envSecureName = "appEnvSecure"
	activeName    = "activeApp"
)

// Remove returns text without an app: without its entries under apps, appEnvPlain and appEnvSecure, and without
// activeApp if that names it. Comments outside those entries stay. It refuses what it cannot do by removing lines.
func Remove(text []byte, name string) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read the stack file: %w", err)
	}
	f := newLines(text)
	if err := f.remove(&document, name); err != nil {
		return nil, err
	}
	removed := f.bytes()
	return removed, checkRemoved(text, removed, name)
}

func (f *lines) remove(document *yaml.Node, name string) error {
	settings, apps := appsOf(document)
	if apps == nil || find(apps.value, name) == nil {
		return fmt.Errorf("remove app %q: it %w%s", name, ErrNotThere, known(apps))
	}
	var cuts []cut
	for _, key := range []string{appsName, envPlainName, envSecureName} {
		group := find(settings.value, config.Namespace+":"+key, key)
		if group == nil {
			continue
		}
		found := find(group.value, name)
		if found == nil {
			continue
		}
		if group.value.Style&yaml.FlowStyle != 0 {
			return fmt.Errorf("remove app %q: %s is written in braces; write it as a block, one entry per line", name, key)
		}
		cuts = append(cuts, cut{entry: found, group: group, last: len(group.value.Content) == 2})
	}
	if active := find(settings.value, config.Namespace+":"+activeName, activeName); active != nil && active.value.Value == name {
		if settings.value.Style&yaml.FlowStyle != 0 {
			return fmt.Errorf("remove app %q: %s is written in braces; write it as a block, one entry per line", name, configKey)
		}
		cuts = append(cuts, cut{entry: active})
	}
	f.cut(cuts)
	return nil
}

// known lists the apps in the file.
func known(apps *entry) string {
	names := keys(apps)
	if len(names) == 0 {
		return ", which has no apps"
	}
	return ", which has " + strings.Join(names, ", ")
}

// cut is an entry to remove.
type cut struct {
	entry, group *entry
	// last means that the entry is the only one of its group, which becomes an empty map.
	last bool
}

// cut removes entries, from the end of the text to its beginning, so that line numbers stay correct.
func (f *lines) cut(cuts []cut) {
	slices.SortFunc(cuts, func(a, b cut) int { return b.entry.key.Line - a.entry.key.Line })
	for _, c := range cuts {
		at := c.entry.key.Line - 1
		end := f.after(at, c.entry.key.Column-1)
		if blank(f.text, at-1) && blank(f.text, end) {
			end++
		}
		f.text = slices.Delete(f.text, at, end)
		if c.last {
			f.empty(c.group.key.Line - 1)
		}
	}
}

// blank reports whether a line has only white space.
func blank(text []string, at int) bool {
	return at >= 0 && at < len(text) && strings.TrimSpace(text[at]) == ""
}

// empty writes {} after a key whose entries are gone, before any comment.
func (f *lines) empty(at int) {
	line := f.text[at]
	before, comment, commented := strings.Cut(line, " #")
	rest := strings.TrimRight(before, " \t\r\n")
	if commented {
		f.text[at] = rest + " {} #" + comment
		return
	}
	f.text[at] = rest + " {}" + strings.TrimPrefix(line, rest)
}

// checkRemoved makes sure that the new text has the content of the old one without the app, and nothing else.
func checkRemoved(before, after []byte, name string) error {
	var old, changed map[string]any
	if err := errors.Join(yaml.Unmarshal(before, &old), yaml.Unmarshal(after, &changed)); err != nil {
		return fmt.Errorf("remove app %q: the stack file would no longer be valid YAML; remove it by hand: %w", name, err)
	}
	settings, _ := old[configKey].(map[string]any)
	for _, prefix := range []string{"", config.Namespace + ":"} {
		for _, key := range []string{appsName, envPlainName, envSecureName} {
			if group, ok := settings[prefix+key].(map[string]any); ok {
				delete(group, name)
			}
		}
		if settings[prefix+activeName] == name {
			delete(settings, prefix+activeName)
		}
	}
	if !reflect.DeepEqual(old, changed) {
		return fmt.Errorf("remove app %q: the change would affect other parts of the stack file; remove it by hand", name)
	}
	return nil
}
