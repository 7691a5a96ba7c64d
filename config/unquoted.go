package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"webstack/internal/lazyregexp"
)

// YAML 1.1 and 1.2 disagree on which text without quotes is a string, and readers follow one, the other or a mixture.
// The patterns match texts that have another type in YAML 1.1 (https://yaml.org/type/) but are strings for yaml.v3.
var (
	oldBooleans = []string{"y", "n", "yes", "no", "on", "off"}
	base60      = lazyregexp.New(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`)
	timestamp   = lazyregexp.New(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}` +
		`(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?$`)
	// rewrittenTime is how Pulumi rewrites a date.
	rewrittenTime = lazyregexp.New(`^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)? ` +
		`[-+][0-9]{4} \S+$`)
)

// unquoted says what some YAML readers take a scalar of a stack file for, "" if it is a string for all of them.
func unquoted(n *yaml.Node) string {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	if n.Style&quoted != 0 && n.ShortTag() == "!!str" {
		return ""
	}
	switch n.ShortTag() {
	case "!!null":
		if n.Value == "" {
			return "empty"
		}
		return "null"
	case "!!bool":
		return "a boolean"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	switch {
	case slices.Contains(oldBooleans, strings.ToLower(n.Value)):
		return "a boolean"
	case base60.MatchString(n.Value):
		return "a number in base 60"
	case timestamp.MatchString(n.Value):
		return "a date"
	case n.Value == "=" || n.Value == "<<":
		return "a special character of YAML"
	}
	return ""
}
