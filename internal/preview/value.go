package preview

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"
	"gopkg.in/yaml.v3"
)

// What stands for values that are not shown.
const (
	secretText  = "[secret]"
	unknownText = "known after the update"
)

// sums are SHA-256 sums; their beginning tells them apart.
var sums = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{52}\b`)

// plain makes of a value of an event what a reader knows it by.
func plain(value any) any {
	switch v := value.(type) {
	case string:
		if v == plugin.UnknownStringValue {
			return unknownText
		}
		return sums.ReplaceAllString(v, "$1…")
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = plain(element)
		}
		return out
	case map[string]any:
		switch v[sig.Key] {
		case sig.Secret:
			return secretText
		case asset.AssetSig, archive.ArchiveSig:
			path, _ := v[asset.AssetPathProperty].(string)
			return plain(strings.TrimSpace(fmt.Sprintf("%s %v", filepath.Base(path), v[asset.AssetHashProperty])))
		case sig.ResourceReference:
			return v["id"]
		}
		out := map[string]any{}
		for key, element := range v {
			if key != "__defaults" {
				out[key] = plain(element)
			}
		}
		return out
	}
	return value
}

// text is a value as lines: a document of JSON and a list or map as YAML, where an entry more changes no other line.
func text(value any) string {
	value = plain(value)
	if s, ok := value.(string); ok {
		var document any
		if !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") || json.Unmarshal([]byte(s), &document) != nil {
			return s
		}
		value = document
	}
	var out strings.Builder
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return out.String()
}

// change is a property that is to change; a side that is nil is not there.
type change struct {
	name     string
	old, new any
	replaces bool
}

// changes are the properties that a step changes, by name.
func (s step) changes() []change {
	before, after := s.meta.Old, s.meta.New
	if before == nil || after == nil {
		return nil
	}
	var out []change
	for _, name := range s.changed() {
		c := change{name: name, old: before.Inputs[name], new: after.Inputs[name]}
		if reflect.DeepEqual(c.old, c.new) { // what exists differs from what was asked for the last time
			c.old = before.Outputs[name]
		}
		for _, key := range s.meta.Keys {
			c.replaces = c.replaces || topLevel(key) == name
		}
		if c.differs() || c.replaces {
			out = append(out, c)
		}
	}
	return out
}

func (c change) differs() bool { return text(c.old) != text(c.new) }

// changed are the names of the properties that differ, or that the provider says do.
func (s step) changed() []string {
	names := map[string]bool{}
	for path := range s.meta.DetailedDiff {
		names[topLevel(path)] = true
	}
	for _, side := range []map[string]any{s.meta.Old.Inputs, s.meta.New.Inputs} {
		for name := range side {
			if !reflect.DeepEqual(s.meta.Old.Inputs[name], s.meta.New.Inputs[name]) {
				names[name] = true
			}
		}
	}
	delete(names, "__defaults")
	return sorted(names)
}

// topLevel is the property that a path such as tags["Name"] or rules[0].id leads into.
func topLevel(path string) string {
	if end := strings.IndexAny(path, ".["); end > 0 {
		return path[:end]
	}
	return path
}
