package runcommand_test

import (
	"strings"
	"testing"

	"webstack/local/runcommand"
)

func TestAccepts(t *testing.T) {
	t.Parallel()
	document, err := runcommand.Parse(`{"schemaVersion": "2.2", "parameters": {
		"version": {"type": "String", "allowedPattern": "^[0-9a-f]{4}$"},
		"mode": {"type": "String", "default": "fast", "allowedValues": ["fast", "slow"]},
		"names": {"type": "StringList", "default": [], "minItems": 1, "maxItems": 2},
		"short": {"type": "String", "default": "ab", "minChars": 2, "maxChars": 3}
	}}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		parameter string
		values    []string
		problem   string // "" when they are accepted
	}{
		"all right":                   {"mode", []string{"slow"}, ""},
		"not declared":                {"other", []string{"x"}, "does not define the parameter other"},
		"against the pattern":         {"version", []string{"00ff\n"}, "version"},
		"not listed":                  {"mode", []string{"odd"}, "mode"},
		"two values for a string":     {"mode", []string{"fast", "slow"}, "one value, not 2"},
		"no value for a string":       {"mode", []string{}, "one value, not 0"},
		"two items":                   {"names", []string{"a", "b"}, ""},
		"no items":                    {"names", []string{}, "names"},
		"three items":                 {"names", []string{"a", "b", "c"}, "names"},
		"three characters":            {"short", []string{"äöü"}, ""},
		"one character":               {"short", []string{"a"}, "short"},
		"four characters":             {"short", []string{"abcd"}, "short"},
		"required and not given":      {"version", nil, "no default"},
		"a secret is not in the text": {"version", []string{"hunter2"}, "version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := map[string][]string{"version": {"00ff"}, tt.parameter: tt.values}
			if tt.values == nil {
				delete(given, tt.parameter)
			}
			err := document.Accepts(given)
			switch {
			case tt.problem == "" && err != nil:
				t.Error(err)
			case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
				t.Errorf("%v, wanted %q", err, tt.problem)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the value is in %v", err)
			}
		})
	}
}
