package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// defaultsKey is the hidden input that lists which inputs the provider itself filled in.
const defaultsKey = "__defaults"

// naming is what the engine sends for generated names.
type naming struct {
	resourceName string
	seed         []byte
	options      *pulumirpc.CheckRequest_AutonamingOptions
}

// check fills in defaults, the generated name and tagsAll, and reports all problems with the inputs. old are the
// checked inputs of the last run, nil for a new resource.
func (t Type) check(news, old Values, named naming, defaultTags map[string]string) (Values, []string) {
	in := news.clone()
	delete(in, "tagsAll") // computed here; the program's value is overwritten
	delete(in, defaultsKey)
	problems := unknownFields("", t.Props, in)
	var filled []string
	if t.Name != nil && in[t.Name.Prop] == nil {
		name, err := t.Name.generate(old, named)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", t.Name.Prop, err))
		} else {
			in[t.Name.Prop] = name
			filled = append(filled, t.Name.Prop)
		}
	}
	filled = append(filled, t.applyDefaults(in, old)...)
	if len(filled) > 0 {
		slices.Sort(filled)
		in[defaultsKey] = normaliseValue(filled)
	}
	if _, ok := t.Props["tagsAll"]; ok {
		in["tagsAll"] = mergeTags(defaultTags, in["tags"])
	}
	problems = append(problems, missingFields("", t.Props, in)...)
	problems = append(problems, invalidFields("", t.Props, in)...)
	problems = append(problems, t.checkGroups(in)...)
	if t.Validate != nil {
		problems = append(problems, t.Validate(in)...)
	}
	return in, problems
}

func (t Type) applyDefaults(in, old Values) []string {
	var filled []string
	for key, prop := range t.Props {
		if prop.Default == nil || in[key] != nil || t.groupTaken(key, in) {
			continue
		}
		in[key] = normaliseValue(prop.Default)
		if old != nil && isDefaulted(old, key) && old[key] != nil {
			in[key] = old[key]
		}
		filled = append(filled, key)
	}
	return filled
}

// groupTaken reports whether another member of one of key's exactly-one-of groups is set.
func (t Type) groupTaken(key string, in Values) bool {
	for _, group := range t.ExactlyOneOf {
		if slices.Contains(group, key) && slices.ContainsFunc(group, func(k string) bool { return in[k] != nil }) {
			return true
		}
	}
	return false
}

func (t Type) checkGroups(in Values) []string {
	var problems []string
	for _, group := range t.ExactlyOneOf {
		set := 0
		for _, key := range group {
			if in[key] != nil {
				set++
			}
		}
		if set != 1 {
			problems = append(problems, fmt.Sprintf("set exactly one of %s; %d are set", strings.Join(group, ", "), set))
		}
	}
	return problems
}

// generate generates the name of a resource without one, or returns the one generated earlier.
func (a AutoName) generate(old Values, named naming) (string, error) {
	if old != nil && isDefaulted(old, a.Prop) && old.Str(a.Prop) != "" {
		return old.Str(a.Prop), nil
	}
	prefix := a.Prefix + named.resourceName
	if named.options != nil {
		switch named.options.Mode {
		case pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
			return "", fmt.Errorf("set a name; generated names are turned off in this project")
		case pulumirpc.CheckRequest_AutonamingOptions_ENFORCE:
			return named.options.ProposedName, nil
		case pulumirpc.CheckRequest_AutonamingOptions_PROPOSE:
			prefix = a.Prefix + strings.TrimSuffix(named.options.ProposedName, "-")
			return a.fit(named.options.ProposedName, prefix, named.seed)
		}
	}
	return a.fit("", prefix, named.seed)
}

func (a AutoName) fit(proposed, prefix string, seed []byte) (string, error) {
	name := a.Prefix + proposed
	switch {
	case proposed != "" || a.NoSuffix:
		if a.NoSuffix {
			name = prefix
		}
		if len(name) > a.Max {
			return "", fmt.Errorf("name '%s' is longer than maximum length %d", name, a.Max)
		}
	default:
		if !a.NoSeparator {
			prefix += "-"
		}
		unique, err := resource.NewUniqueName(seed, prefix, 7, a.Max, nil)
		if err != nil {
			return "", err
		}
		name = unique
	}
	if a.Lower {
		name = strings.ToLower(name)
	}
	return name, nil
}

func isDefaulted(in Values, key string) bool { return slices.Contains(in.Strs(defaultsKey), key) }

// unknownFields reports properties that are not described or that only the provider may set.
func unknownFields(path string, props map[string]Prop, in Values) []string {
	var problems []string
	for _, key := range in.Keys() {
		at := join(path, key)
		prop, ok := props[key]
		switch {
		case !ok:
			problems = append(problems, fmt.Sprintf("%s: the laptop cloud does not support this property", at))
		case prop.Output && path == "":
			problems = append(problems, fmt.Sprintf("%s: only the provider sets this property", at))
		default:
			problems = append(problems, eachObject(at, prop, in[key], unknownFields)...)
		}
	}
	return problems
}

func missingFields(path string, props map[string]Prop, in Values) []string {
	var problems []string
	for _, key := range Values(anyMap(props)).Keys() {
		prop := props[key]
		if in[key] == nil {
			if prop.Required {
				problems = append(problems, fmt.Sprintf("missing required property '%s'", join(path, key)))
			}
			continue
		}
		problems = append(problems, eachObject(join(path, key), prop, in[key], missingFields)...)
	}
	return problems
}

func invalidFields(path string, props map[string]Prop, in Values) []string {
	var problems []string
	for _, key := range in.Keys() {
		prop, value := props[key], in[key]
		if prop.Check != nil && !containsUnknown(value) {
			if problem := prop.Check(value); problem != "" {
				problems = append(problems, fmt.Sprintf("%s: %s", join(path, key), problem))
			}
		}
		problems = append(problems, eachObject(join(path, key), prop, value, invalidFields)...)
	}
	return problems
}

// eachObject applies find to the object, or to every object of the list, that value is.
func eachObject(path string, prop Prop, value any, find func(string, map[string]Prop, Values) []string) []string {
	if prop.Fields == nil {
		return nil
	}
	switch value := value.(type) {
	case Values:
		return find(path, prop.Fields, value)
	case []any:
		var problems []string
		for i, item := range value {
			if object, ok := item.(Values); ok {
				problems = append(problems, find(fmt.Sprintf("%s[%d]", path, i), prop.Fields, object)...)
			}
		}
		return problems
	case Unknown:
		return nil
	default:
		return []string{fmt.Sprintf("%s: must be an object or a list of objects", path)}
	}
}

func anyMap(props map[string]Prop) map[string]any {
	out := map[string]any{}
	for key := range props {
		out[key] = nil
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
