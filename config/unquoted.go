package config

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// YAML 1.1 and 1.2 disagree on which text without quotes is a string, and readers follow one, the other or a mixture.
// The forms here are those of YAML 1.1 (https://yaml.org/type/) that yaml.v3 takes for strings.
var (
	oldBooleans = []string{"y", "n", "yes", "no", "on", "off"}
	base60      = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`)
	timestamp   = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}` +
		`(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?$`)
	// rewrittenTime is what Pulumi makes of a date.
	rewrittenTime = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)? ` +
		`[-+][0-9]{4} \S+$`)
)

// unquoted says what a scalar of a stack file is to some YAML readers instead of a string, "" if it is a string to all.
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
		return "a number to base 60"
	case timestamp.MatchString(n.Value):
		return "a date"
	case n.Value == "=" || n.Value == "<<":
		return "a sign of YAML's own"
	}
	return ""
}
