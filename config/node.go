package config

import (
	"encoding/json"
	"errors"
	"strings"
)

// maxDepth is deeper than any key of the stack config.
const maxDepth = 8

// node is one value of a config. Unlike structs filled by encoding/json and yaml.v3, it distinguishes members that
// differ in case, shows duplicates, and remembers how the stack file writes a value.
type node struct {
	kind    nodeKind
	scalar  any // nil, bool, json.Number or string; meaningless for maps and lists
	members []member
	items   []node

	untyped   bool   // scalar is the text of a value whose type Pulumi does not pass on
	inFile    bool   // read from a stack file
	unquoted  string // what some YAML readers take the file's text for, such as "a date"; "" = a string
	line      int    // in the stack file
	encrypted bool   // encrypted in the stack file
	sealed    bool   // encrypted, and not decrypted here
	cipher    string // the encrypted value as in the stack file
}

type member struct {
	name  string
	value node
}

type nodeKind int

const (
	scalarNode nodeKind = iota
	objectNode
	arrayNode
)

var (
	errTooDeep = errors.New("is nested too deep")
	errNotJSON = errors.New("is not valid JSON")
)

// structure parses a value's text that is a map or list in JSON. Text that does not begin like one stays a string.
func (n node) structure() (node, error) {
	text, ok := n.scalar.(string)
	trimmed := strings.TrimSpace(text)
	if !n.untyped || !ok || trimmed == "" || !strings.Contains("{[", trimmed[:1]) {
		return n, nil
	}
	parsed, err := parseJSON(text)
	if err != nil {
		return n, err
	}
	parsed.line, parsed.encrypted = n.line, n.encrypted
	return parsed, nil
}

// child returns the member with that name.
func (n node) child(name string) (node, bool) {
	for _, m := range n.members {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}

// parseJSON parses one JSON document. Its errors never quote the text, which may be secret.
func parseJSON(text string) (node, error) {
	if !json.Valid([]byte(text)) {
		return node{}, errNotJSON
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return readNode(dec, 0)
}

func readNode(dec *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, errTooDeep
	}
	token, err := dec.Token()
	if err != nil {
		return node{}, errNotJSON
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return node{scalar: token}, nil
	}
	n := node{kind: arrayNode}
	if delim == '{' {
		n.kind = objectNode
	}
	for dec.More() {
		var name string
		if n.kind == objectNode {
			if token, err = dec.Token(); err != nil {
				return node{}, errNotJSON
			}
			name, _ = token.(string)
		}
		child, err := readNode(dec, depth+1)
		if err != nil {
			return node{}, err
		}
		if n.kind == objectNode {
			n.members = append(n.members, member{name, child})
		} else {
			n.items = append(n.items, child)
		}
	}
	if _, err := dec.Token(); err != nil {
		return node{}, errNotJSON
	}
	return n, nil
}

// describe names the kind of a node's value.
func (n node) describe() string {
	switch {
	case n.kind == objectNode:
		return "a map"
	case n.kind == arrayNode:
		return "a list"
	case n.encrypted:
		return "one encrypted value"
	case n.unquoted != "":
		return n.unquoted
	case n.untyped && n.scalar == "":
		return "empty"
	}
	switch n.scalar.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	default:
		return "null"
	}
}
