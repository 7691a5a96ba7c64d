package config

import (
	"encoding/json"
	"errors"
	"strings"
)

// maxDepth is deeper than any key of the stack config goes.
const maxDepth = 8

// node is one value of a config. Unlike encoding/json and yaml.v3 into structs it keeps members apart that differ in
// case, shows when one is given twice, and remembers how the stack file writes a value.
type node struct {
	kind    nodeKind
	scalar  any // nil, bool, json.Number or string; meaningless for maps and lists
	members []member
	items   []node

	untyped   bool   // scalar is the text of a value whose type Pulumi does not pass on
	inFile    bool   // read from a stack file
	unquoted  string // what the file's text is to some YAML readers instead of a string, such as "a date"; "" = a string
	line      int    // in the stack file
	encrypted bool   // encrypted in the stack file
	sealed    bool   // encrypted, and not decrypted here
	cipher    string // what the stack file holds of an encrypted value
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

// structure reads the map or list that the text of a value stands for. Text that does not even begin as one stays the
// string it is.
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

// child returns the member of that name.
func (n node) child(name string) (node, bool) {
	for _, m := range n.members {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}

// parseJSON reads one JSON document. Its errors never hold a part of the text, which may be secret.
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

// describe says what kind of value a node is.
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
