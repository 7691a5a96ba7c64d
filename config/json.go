package config

import (
	"encoding/json"
	"errors"
	"strings"
)

// maxDepth is deeper than any key of the stack config goes.
const maxDepth = 8

// node is one JSON value. Unlike encoding/json into structs it keeps members apart that differ in case, and
// shows when one is given twice.
type node struct {
	scalar  any // nil, bool, json.Number or string; meaningless for the other two
	members []member
	items   []node
	kind    nodeKind
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

var errTooDeep = errors.New("is nested too deep")

// parseJSON reads one JSON document. Its errors never hold a part of the text, which may be secret.
func parseJSON(text string) (node, error) {
	if !json.Valid([]byte(text)) {
		return node{}, errors.New("is not valid JSON")
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
		return node{}, errors.New("is not valid JSON")
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
				return node{}, errors.New("is not valid JSON")
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
		return node{}, errors.New("is not valid JSON")
	}
	return n, nil
}
