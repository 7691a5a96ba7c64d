// Package reference renders the description of the stack config that package config holds: the JSON schema for
// stack files, the config block of Pulumi.yaml and the reference page. It is used by the generator and by the
// tests that keep the files current.
package reference

import "strings"

// Files maps each generated file, relative to the module's root, to its new content given the old one.
var Files = map[string]func(old string) (string, error){
	"docs/configuration.md":    func(string) (string, error) { return Markdown(), nil },
	"schema/stack.schema.json": func(string) (string, error) { return Schema() },
	"Pulumi.yaml":              ProjectFile,
}

// sentence joins words that each end in a full stop or need one.
func sentence(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strings.TrimSuffix(p, "."))
		b.WriteByte('.')
	}
	return b.String()
}
