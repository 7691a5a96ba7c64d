package reference

import (
	"fmt"
	"strings"

	"webstack/config"
)

// marker begins the generated part of Pulumi.yaml, which extends to its end.
const marker = "# Generated from package config by go generate ./config. Change the keys there.\n"

// ProjectFile replaces the generated part of Pulumi.yaml.
func ProjectFile(old string) (string, error) {
	head, _, ok := strings.Cut(old, marker)
	if !ok {
		return "", fmt.Errorf("find the generated part of Pulumi.yaml: add the line %q", strings.TrimSpace(marker))
	}
	return head + marker + projectConfig(), nil
}

// projectConfig returns the config block. Pulumi requires a value for every key without a default, so each key has one
// and a stack file need not set any. No key has a type or secret: true: Pulumi would check these before it runs the
// program and show only one problem, while the program shows all of them with their paths.
func projectConfig() string {
	var b strings.Builder
	b.WriteString("config:\n")
	// A resource or lookup without an explicit provider fails, instead of using whatever region is configured.
	b.WriteString("  pulumi:disable-default-providers:\n    value: [\"*\"]\n")
	for _, k := range config.Keys() {
		if !strings.HasPrefix(k.FullName(), config.Namespace+":") {
			continue // The project may describe only its own keys.
		}
		description := sentence(k.Description, allowedSentence(k), secretSentence(k))
		fmt.Fprintf(&b, "  %s:\n    description: %q\n    default: %s\n", k.FullName(), description, projectDefault(k))
	}
	return b.String()
}

func secretSentence(k config.Key) string {
	if !k.Secret {
		return ""
	}
	return "Must be encrypted: pulumi config set --secret"
}

func projectDefault(k config.Key) string {
	if k.Type == config.TypeString {
		return fmt.Sprintf("%q", k.Default)
	}
	return k.Default
}
