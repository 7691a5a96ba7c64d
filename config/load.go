package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// Load decodes and validates the config of a stack.
//
// stack is the stack's name. values holds the config of a run by full key, as Pulumi passes it to a program:
// plain text for scalars, JSON for objects, secrets in clear. Keys of other namespaces are left to their
// providers, but for cloudflare:apiToken.
//
// The error joins all problems, one line each, sorted by path: "apps.shop.domain: ...". It never holds a secret.
func Load(stack string, values map[string]string) (*Config, error) {
	d := newDecoder()
	in := &input{}
	setDefaults(in, keys)
	for _, full := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(keys, func(s spec[input]) bool { return s.FullName() == full })
		if i >= 0 {
			d.given[keys[i].Name] = true
			d.decodeText(keys[i].Name, keys[i], in, values[full])
		} else if name, ok := strings.CutPrefix(full, Namespace+":"); ok {
			d.add(join("", name)[1:], "is no key of webstack", suggest(name, Keys()))
		}
	}
	d.validate(stack, in)
	if err := d.err(); err != nil {
		return nil, err
	}
	return &in.Config, nil
}

// CheckEncrypted reports the secret keys that the stack sets in clear. encrypted says whether Pulumi holds the
// value of a full key as a secret.
func CheckEncrypted(values map[string]string, encrypted func(key string) bool) error {
	var errs []error
	for _, k := range Keys() {
		value := values[k.FullName()]
		if !k.Secret || value == "" || value == k.Default || encrypted(k.FullName()) {
			continue
		}
		command := "pulumi config set --secret " + k.FullName()
		if k.Type == TypeEnvs {
			command = "pulumi config set --secret --path '" + k.FullName() + ".APP.NAME'"
		}
		errs = append(errs, errors.New(k.Name+": is not encrypted; set it with "+command))
	}
	return errors.Join(errs...)
}
