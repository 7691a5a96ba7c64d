package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"webstack/internal/lazyregexp"
)

// reader converts YAML into nodes.
type reader struct {
	file  *File
	count int
}

// maxNodes limits the expansion of anchors; a stack of 200 apps has a few thousand nodes.
const maxNodes = 200_000

func (r *reader) read(path string, y *yaml.Node, depth int) node {
	r.count++
	switch {
	case depth > maxDepth:
		r.file.add(y.Line, path, errTooDeep.Error(), "")
		return node{line: y.Line, inFile: true}
	case r.count == maxNodes:
		r.file.add(y.Line, path, "expands to too many values", "fewer nested anchors")
	}
	if r.count >= maxNodes {
		return node{line: y.Line, inFile: true}
	}
	if y.Style&yaml.TaggedStyle != 0 && !strings.Contains(" !!str !!map !!seq ", " "+y.ShortTag()+" ") {
		r.file.add(y.Line, path, "has the tag "+y.ShortTag()+", which changes the value", "a value without a tag")
	}
	n := node{line: y.Line, inFile: true}
	switch y.Kind {
	case yaml.AliasNode:
		n = r.read(path, y.Alias, depth)
	case yaml.SequenceNode:
		n.kind = arrayNode
		for i, item := range y.Content {
			n.items = append(n.items, r.read(path+"["+strconv.Itoa(i)+"]", item, depth+1))
		}
	case yaml.MappingNode:
		n.kind = objectNode
		n.members = r.readMembers(path, y, depth)
		n = r.decide(path, n)
	default:
		n.unquoted = unquoted(y)
		n.scalar = scalarOf(y)
	}
	return n
}

// scalarOf returns the value of a scalar. Numbers keep their text, so that 0x50 and 1e3 are recognized.
func scalarOf(y *yaml.Node) any {
	switch y.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(y.Value, "true")
	case "!!int", "!!float":
		return json.Number(y.Value)
	}
	return y.Value
}

// readMembers reads a map: its own members, then merged ones that it does not have itself.
func (r *reader) readMembers(path string, y *yaml.Node, depth int) []member {
	var own, merged []member
	seen := map[string]int{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		at := childPath(path, key.Value)
		if key.ShortTag() == "!!merge" {
			merged = append(merged, r.merge(path, value, depth)...)
			continue
		}
		if tag := key.ShortTag(); key.Kind != yaml.ScalarNode || tag != "!!str" {
			r.file.add(key.Line, at, "is a name, but not a string", "a name in quotes")
			continue
		}
		if first := seen[key.Value]; first > 0 {
			r.file.add(key.Line, at, fmt.Sprintf("is given twice, first on line %d", first), "once")
			continue
		}
		seen[key.Value] = key.Line
		n := r.read(at, value, depth+1)
		n.line = key.Line
		own = append(own, member{key.Value, n})
	}
	for _, m := range merged {
		if seen[m.name] == 0 {
			seen[m.name] = m.value.line
			own = append(own, m)
		}
	}
	return own
}

// merge returns the members of the maps that a merge key names; for duplicate names, the first map wins.
func (r *reader) merge(path string, y *yaml.Node, depth int) []member {
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	sources := []*yaml.Node{y}
	if y.Kind == yaml.SequenceNode {
		sources = y.Content
	}
	var out []member
	for _, source := range sources {
		if source.Kind == yaml.AliasNode {
			source = source.Alias
		}
		if source.Kind != yaml.MappingNode {
			r.file.add(source.Line, path, "merges with << a value that is not a map", "an alias of a map, such as <<: *name")
			continue
		}
		if depth > maxDepth {
			r.file.add(source.Line, path, errTooDeep.Error(), "")
			continue
		}
		out = append(out, r.readMembers(path, source, depth+1)...)
	}
	return out
}

// decide treats a map whose only key is secure, with a string, as an encrypted value, like Pulumi does.
func (r *reader) decide(path string, n node) node {
	if len(n.members) != 1 || n.members[0].name != "secure" {
		return n
	}
	inner := n.members[0].value
	text, ok := inner.scalar.(string)
	if inner.kind != scalarNode || inner.unquoted != "" || !ok {
		found := inner.describe()
		if inner.unquoted == "empty" {
			found = "nothing"
		}
		r.file.add(inner.line, path, "has "+found+" under secure:, not encrypted text", encryptedAllowed)
		text = ""
	} else if !encryptedPattern.MatchString(text) {
		r.file.add(inner.line, path, "has text under secure: that is not a value encrypted by Pulumi", encryptedAllowed)
		text = ""
	}
	return node{line: n.line, inFile: true, encrypted: true, sealed: true, cipher: text}
}

const encryptedAllowed = "what pulumi config set --secret writes; use it to set the value again"

// EncryptedPattern is the form of an encrypted value: v1:<nonce>:<text>, AES-256-GCM in base64, if the key comes from a
// passphrase or a key service, and plain base64 if Pulumi Cloud holds the key.
const EncryptedPattern = `^v1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/]{22,}={0,2}$|^[A-Za-z0-9+/]{4,}={0,2}$`

var encryptedPattern = lazyregexp.New(EncryptedPattern)
