package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"webstack/internal/lazyregexp"
)

// File is a stack file as it is written. The values that Pulumi passes to a program may have been changed by its YAML
// reader, and do not show which parts of a map are encrypted; the file shows both.
type File struct {
	name     string
	salt     string
	values   []member // by full key
	problems []problem
}

// Encrypted is an encrypted value of a stack file.
type Encrypted struct {
	Path string // as shown in problems, such as appEnvSecure.shop.KEY
	Line int
	Text string // as in the file
}

// ParseFile parses the text of a stack file. Problems show name as the name of the file, such as Pulumi.dev.yaml. It
// fails only if the text is not YAML; Source.Load reports all other problems.
func ParseFile(name string, text []byte) (*File, error) {
	f := &File{name: name}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // as Pulumi does
	if line := invalidLine(text); line > 0 {
		return nil, fmt.Errorf("%s:%d: is not UTF-8 text; save the file in UTF-8", name, line)
	}
	documents := yaml.NewDecoder(bytes.NewReader(text))
	var root, second yaml.Node
	if err := documents.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntaxError(name, text, err)
	}
	switch err := documents.Decode(&second); {
	case err == nil:
		f.add(second.Line, "", "is the beginning of a second YAML document, which Pulumi would ignore", "one document")
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(name, text, err)
	}
	if len(root.Content) > 0 {
		f.readRoot(root.Content[0])
	}
	return f, nil
}

// Name returns the name of the file that problems show.
func (f *File) Name() string { return f.name }

// Salt returns encryptionsalt, "" if the file has none.
func (f *File) Salt() string { return f.salt }

// Encrypted returns the well-formed encrypted values in the order of the file.
func (f *File) Encrypted() []Encrypted {
	var out []Encrypted
	for _, m := range f.values {
		walk(shortKey(m.name), m.value, func(path string, n node) {
			if n.cipher != "" {
				out = append(out, Encrypted{Path: path, Line: n.line, Text: n.cipher})
			}
		})
	}
	return out
}

// walk calls visit for a node and all nodes below it.
func walk(path string, n node, visit func(path string, n node)) {
	visit(path, n)
	for _, m := range n.members {
		walk(join(path, m.name), m.value, visit)
	}
	for i, item := range n.items {
		walk(path+"["+strconv.Itoa(i)+"]", item, visit)
	}
}

func (f *File) add(line int, path, wrong, allowed string) {
	f.problems = append(f.problems, newProblem(line, path, wrong, allowed))
}

func invalidLine(text []byte) int {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 0
}

var (
	yamlErrorPattern = lazyregexp.New(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	tabPattern       = lazyregexp.New(`(?m)^ *\t`)
)

// syntaxError says what is not valid YAML, and where. The message does not quote the text.
func syntaxError(name string, text []byte, err error) error {
	if at := tabPattern.FindIndex(text); at != nil {
		line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
		return fmt.Errorf("%s:%d: is indented with a tab; YAML allows only spaces", name, line)
	}
	found := yamlErrorPattern.FindStringSubmatch(err.Error())
	if found == nil {
		return fmt.Errorf("%s: is not YAML", name)
	}
	where := name
	if found[1] != "" {
		where += ":" + found[1]
	}
	return fmt.Errorf("%s: is not YAML: %s; check this line and the one before it", where, found[2])
}

// fileKeys are the top-level keys that a stack file may have.
var fileKeys = []string{"config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider"}

func (f *File) readRoot(root *yaml.Node) {
	r := &reader{file: f}
	top := r.read("", root, 0)
	if top.kind != objectNode {
		f.add(top.line, "", "is "+top.describe()+", not a map", "a map with the key config")
		return
	}
	for _, m := range top.members {
		switch {
		case m.name == "config":
			f.readConfig(m.value)
		case strings.Contains(m.name, ":"):
			f.add(m.value.line, m.name, "is outside of config, where it has no effect", "this key below config:, indented")
		default:
			f.checkTop(m)
		}
	}
	f.checkKeyOfSecrets(top)
}

// SaltPattern is the form of encryptionsalt: v1:<salt>:<text encrypted with the key>.
const SaltPattern = `^v1:[A-Za-z0-9+/=]+:v1:[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$`

var saltPattern = lazyregexp.New(SaltPattern)

// checkTop checks the top-level keys other than config.
func (f *File) checkTop(m member) {
	known := false
	for _, name := range fileKeys {
		known = known || m.name == name
	}
	text, isText := m.value.scalar.(string)
	isText = isText && m.value.kind == scalarNode
	switch {
	case !known:
		f.add(m.value.line, m.name, "is not a key of a stack file"+didYouMean(m.name, fileKeys), strings.Join(fileKeys, ", "))
	case m.name != "environment" && !isText:
		f.add(m.value.line, m.name, "is "+m.value.describe()+", not a string", "the string that Pulumi wrote")
	case m.name == "encryptionsalt" && saltPattern.MatchString(text):
		f.salt = text
	case m.name == "encryptionsalt":
		f.add(m.value.line, m.name, "is not a salt that Pulumi wrote",
			"the value from an older version of this file; without it nothing in the file can be decrypted")
	}
}

// checkKeyOfSecrets reports encrypted values without a key in the file. Only values of the form v1 need one there;
// Pulumi Cloud keeps the keys of the others.
func (f *File) checkKeyOfSecrets(top node) {
	_, salt := top.child("encryptionsalt")
	_, key := top.child("encryptedkey")
	if salt || key {
		return
	}
	for _, secret := range f.Encrypted() {
		if strings.HasPrefix(secret.Text, "v1:") {
			f.add(secret.Line, secret.Path, "is encrypted, but the file has neither encryptionsalt nor encryptedkey",
				"the key with which the value was encrypted, from an older version of this file")
		}
	}
}

// readConfig reads the values below config.
func (f *File) readConfig(n node) {
	if n.kind == scalarNode && n.scalar == nil {
		return // like a file without config
	}
	if n.kind != objectNode {
		f.add(n.line, "config", "is "+n.describe()+", not a map", "a map from keys to values")
		return
	}
	for _, m := range n.members {
		full := m.name
		if !strings.Contains(full, ":") {
			full = Namespace + ":" + full
			f.add(m.value.line, m.name, "has no namespace", full)
			if _, twice := n.child(full); twice {
				continue
			}
		}
		f.values = append(f.values, member{full, m.value})
	}
}

// shortKey returns a full key as paths show it: without the namespace webstack.
func shortKey(full string) string {
	name, ok := strings.CutPrefix(full, Namespace+":")
	if !ok {
		return full
	}
	return plain(name)
}

// childPath returns the path of a member. Paths in the file begin below config.
func childPath(path, name string) string {
	switch path {
	case "":
		return plain(name)
	case "config":
		return shortKey(name)
	}
	return join(path, name)
}
