package runcommand

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// environment is the interpolation type of values that scripts get in the environment.
const environment = "ENV_VAR"

// Accepts checks the given values of the document's parameters.
func (d Document) Accepts(given map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		declared, ok := d.Parameters[name]
		if !ok {
			return fmt.Errorf("the document does not define the parameter %s", name)
		}
		if err := declared.accepts(given[name]); err != nil {
			return fmt.Errorf("the parameter %s %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		if d.Parameters[name].Default == nil && given[name] == nil {
			return fmt.Errorf("the parameter %s is required: it has no default", name)
		}
	}
	return nil
}

func (p Parameter) accepts(values []string) error {
	if p.Type == "String" && len(values) != 1 {
		return fmt.Errorf("takes one value, not %d", len(values))
	}
	if p.MinItems != nil && len(values) < *p.MinItems || p.MaxItems != nil && len(values) > *p.MaxItems {
		return fmt.Errorf("has too few or too many values: %d", len(values))
	}
	pattern, err := regexp.Compile(p.AllowedPattern)
	if err != nil {
		return fmt.Errorf("has a pattern that cannot be read: %w", err)
	}
	for _, value := range values {
		length := utf8.RuneCountInString(value)
		switch {
		case !pattern.MatchString(value): // not anchored: the document's pattern must do that
			return fmt.Errorf("has a value that its pattern does not allow")
		case len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, func(allowed any) bool {
			return fmt.Sprint(allowed) == value
		}):
			return fmt.Errorf("has a value that is not allowed")
		case p.MinChars != nil && length < *p.MinChars || p.MaxChars != nil && length > *p.MaxChars:
			return fmt.Errorf("has a value that is too short or too long: %d characters", length)
		}
	}
	return nil
}

// misfits returns the value that the agent rejects. The agent checks only patterns, but also in defaults.
func (d Document) misfits(given map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		declared := d.Parameters[name]
		pattern, err := regexp.Compile(declared.AllowedPattern)
		if err != nil {
			return fmt.Errorf("read the pattern of the parameter %s: %w", name, err)
		}
		values := given[name]
		if values == nil {
			values = texts(declared.Default)
		}
		for _, value := range values {
			if !pattern.MatchString(value) {
				return fmt.Errorf("all errors during param validation errors: error thrown in "+
					"'AllowedRegexParamValidator' while validating parameter /%s/: parameter value /%s/ does not match "+
					"the allowed pattern /%s/", name, value, declared.AllowedPattern)
			}
		}
	}
	return nil
}

// texts returns the values of a default.
func texts(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, one := range value {
			out = append(out, text(one))
		}
		return out
	default:
		return []string{text(value)}
	}
}

// parameterName matches the names of parameters that the agent supports.
var parameterName = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

// interpolator returns an interpolator with the given values, and the defaults of parameters that are not given or
// whose names the agent does not support. Values from Parameter Store are fetched.
func (d Document) interpolator(ctx context.Context, given map[string][]string,
	stored func(context.Context, string) (string, error),
) (interpolator, error) {
	values := map[string]any{}
	for name, declared := range d.Parameters {
		value, isGiven := given[name]
		switch {
		case !isGiven, !parameterName.MatchString(name):
			values[name] = declared.Default
		case declared.Type == "StringList":
			list := make([]any, len(value))
			for i, one := range value {
				list[i] = one
			}
			values[name] = list
		default:
			values[name] = value[0]
		}
	}
	i := interpolator{stored: stored}
	resolved, err := i.replace(ctx, values)
	if err != nil {
		return i, err
	}
	i.values = resolved.(map[string]any)
	i.variables, i.pointing = d.environment(i.values)
	return i, nil
}

// text returns a value as it is inserted into a longer string.
func text(value any) string {
	if value, ok := value.(string); ok {
		return value
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		panic("runcommand: what was read from JSON cannot be written: " + err.Error())
	}
	return string(encoded)
}

// mention matches a reference to a parameter, or to one of Parameter Store, in a text.
var mention = regexp.MustCompile(`{{\s*(?:ssm:([^{}\s]+)|([^{}\s]+))\s*}}`)

// interpolator replaces references to parameters with their values.
type interpolator struct {
	values map[string]any
	// stored gets a parameter of Parameter Store.
	stored func(ctx context.Context, name string) (string, error)
	// variables are the environment of scripts, and pointing the parameters whose references in a script become the names
	// of their variables.
	variables []string
	pointing  map[string]bool
}

// replace returns a copy of an input of a step. A string that is only a reference becomes the parameter's value, of any
// type. In a longer string a value is inserted as text, in which two dollars become one. Values are not interpolated
// again.
func (i interpolator) replace(ctx context.Context, input any) (any, error) {
	switch input := input.(type) {
	case string:
		return i.replaceString(ctx, input)
	case []any:
		out := make([]any, len(input))
		for n, one := range input {
			replaced, err := i.replace(ctx, one)
			if err != nil {
				return nil, err
			}
			out[n] = replaced
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(input))
		for key, one := range input {
			replaced, err := i.replace(ctx, one)
			if err != nil {
				return nil, err
			}
			out[key] = replaced
		}
		return out, nil
	default:
		return input, nil
	}
}

func (i interpolator) replaceString(ctx context.Context, input string) (any, error) {
	if whole := mention.FindStringSubmatch(input); whole != nil && whole[0] == input {
		value, ok := i.values[whole[2]]
		if ok && parameterName.MatchString(whole[2]) && !i.pointing[whole[2]] {
			return value, nil
		}
	}
	var failed error
	replaced := mention.ReplaceAllStringFunc(input, func(found string) string {
		parts := mention.FindStringSubmatch(found)
		if parts[1] != "" {
			value, err := i.stored(ctx, parts[1])
			if err != nil && failed == nil {
				failed = fmt.Errorf("get the parameter %s of Parameter Store: %w", parts[1], err)
			}
			return value
		}
		value, ok := i.values[parts[2]]
		switch {
		case !ok:
			return found
		case i.pointing[parts[2]]:
			return "${" + variable(parts[2]) + "}"
		default:
			return strings.ReplaceAll(text(value), "$$", "$")
		}
	})
	return replaced, failed
}

func variable(parameter string) string { return "SSM_" + parameter }

// environment returns the variables of parameters that scripts get in the environment, sorted.
func (d Document) environment(values map[string]any) (variables []string, pointing map[string]bool) {
	pointing = map[string]bool{}
	for name, value := range values {
		if d.SchemaVersion == "2.2" && d.Parameters[name].InterpolationType == environment {
			pointing[name] = true
			variables = append(variables, variable(name)+"="+text(value))
		}
	}
	slices.Sort(variables)
	return variables, pointing
}
