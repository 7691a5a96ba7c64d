// Package reference renders the descriptions of package config: the JSON schema for stack files, the config block of
// Pulumi.yaml and the reference page. The generator uses it, and so do the tests that keep the files up to date.
package reference

import "strings"

// Files maps each generated file, relative to the module's root, to a function from its old to its new content.
var Files = map[string]func(old string) (string, error){
	"docs/configuration.md":    func(string) (string, error) { return Markdown(), nil },
	"schema/stack.schema.json": func(string) (string, error) { return Schema() },
	"Pulumi.yaml":              ProjectFile,
}

// sentence joins texts and ends each with a full stop.
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
