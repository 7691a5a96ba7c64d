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

// Accepts checks the values that are given for the document's parameters.
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
			return fmt.Errorf("the parameter %s has no default and is not given", name)
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
		case !pattern.MatchString(value): // not anchored: a document must do that on its own
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

// misfits says which value the agent refuses: it knows of patterns only, and checks them in defaults, too.
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

// texts are the values of a default.
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

// parameterName is what names of parameters the agent knows.
var parameterName = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

// interpolator makes one of the values that are given, and of the defaults of those that are not, or whose names the
// agent does not know. What of them is in Parameter Store is got from there.
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

// text is a value as it is pasted into a longer string.
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

// mention is where a text names a parameter, or one of Parameter Store's.
var mention = regexp.MustCompile(`{{\s*(?:ssm:([^{}\s]+)|([^{}\s]+))\s*}}`)

// interpolator puts values in the place of the parameters that name them.
type interpolator struct {
	values map[string]any
	// stored gets a parameter of Parameter Store.
	stored func(ctx context.Context, name string) (string, error)
	// variables are what scripts get in the environment, and pointing the parameters whose mention in a script becomes
	// the name of their variable.
	variables []string
	pointing  map[string]bool
}

// replace returns a copy of an input of a step. A string that is nothing but a parameter becomes its value, whatever
// that is. In a longer string a value is pasted as text, in which two dollars become one. Values are not looked into
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

// environment are the variables of the parameters that scripts get that way, sorted.
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
