package config

import (
	"maps"
	"slices"
	"strings"
)

// Source is what the config of a stack is read from.
type Source struct {
	Stack string
	// Values is the config of a run by full key, as Pulumi passes it to a program: plain text for scalars, JSON for
	// maps and lists, secrets decrypted.
	Values map[string]string
	// Encrypted reports whether Pulumi treats the value of a full key, or a part of it, as a secret. Without it and
	// without File, Load does not report unencrypted secrets.
	Encrypted func(key string) bool
	// File is the stack file from which Pulumi has read Values, if it is available. It shows what Values do not: each
	// value as it is written, its line, and whether it is encrypted. Without Values, encrypted values count as set and
	// valid.
	File *File
}

// Load decodes and validates the config of a stack from values alone; see Source.Values.
func Load(stack string, values map[string]string) (*Config, error) {
	in, d := Source{Stack: stack, Values: values}.read()
	if err := report("", d.problems); err != nil {
		return nil, err
	}
	return &in.Config, nil
}

// Load decodes and validates the config.
//
// The error joins all problems, one per line, with the file and line if they are known:
// "Pulumi.dev.yaml:7: apps.shop.domain: ...". It never contains a secret.
func (s Source) Load() (*Config, error) {
	in, d := s.read()
	if !d.given[awsRegion] && !d.bad["config"] && !d.bad[""] {
		d.add(awsRegion, "is missing", "a region; set it with pulumi config set --stack "+s.Stack+" aws:region us-east-1")
	}
	file := ""
	if s.File != nil {
		file = s.File.name
	}
	if err := report(file, d.problems); err != nil {
		return nil, err
	}
	return &in.Config, nil
}

func (s Source) read() (*input, *decoder) {
	d, in := newDecoder(s), &input{}
	setDefaults(in, keys)
	values := s.nodes()
	for _, full := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(keys, func(k spec[input]) bool { return k.FullName() == full })
		if i >= 0 {
			d.given[keys[i].Name] = true
			d.decodeKey(keys[i].Name, keys[i], in, values[full])
			continue
		}
		d.unknownKey(full)
	}
	in.AWS.AssumeRoleArn = string(in.role)
	d.validate(s.Stack, in)
	return in, d
}

// nodes returns the values by full key: those of the file as they are written, with secrets from Values, and those that
// are only in Values.
func (s Source) nodes() map[string]node {
	out := map[string]node{}
	for full, text := range s.Values {
		out[full] = node{scalar: text, untyped: true}
	}
	if s.File == nil {
		return out
	}
	for _, m := range s.File.values {
		if text, known := out[m.name]; known {
			out[m.name] = open(m.value, text)
		} else {
			out[m.name] = m.value
		}
	}
	return out
}

// open replaces the encrypted values of the file with the decrypted ones of a run.
func open(n, run node) node {
	if n.encrypted {
		run.line, run.inFile, run.encrypted, run.cipher = n.line, true, true, n.cipher
		return run
	}
	run, err := run.structure()
	if err != nil {
		return n
	}
	n.members = slices.Clone(n.members)
	for i, m := range n.members {
		if value, ok := run.child(m.name); ok {
			n.members[i].value = open(m.value, value)
		}
	}
	n.items = slices.Clone(n.items)
	for i := range min(len(n.items), len(run.items)) {
		n.items[i] = open(n.items[i], run.items[i])
	}
	return n
}

// namespaces are the namespaces whose keys have an effect.
var namespaces = []string{Namespace, "aws", "cloudflare", "pulumi"}

// unknownKey reports a key that nothing reads. It ignores Pulumi's own keys.
func (d *decoder) unknownKey(full string) {
	namespace, name, _ := strings.Cut(full, ":")
	known := slices.DeleteFunc(Keys(), func(k Key) bool { return !strings.HasPrefix(k.FullName(), namespace+":") })
	switch {
	case namespace == "pulumi":
	case namespace == Namespace:
		d.unknown(plain(name), "is not a key of webstack", name, known)
	case slices.Contains(namespaces, namespace):
		d.unknown(full, "is not passed to the provider", name, known)
	default:
		d.add(full, "is in namespace "+namespace+", which nothing reads"+didYouMean(namespace, namespaces),
			"the namespaces "+strings.Join(namespaces, ", "))
	}
}
