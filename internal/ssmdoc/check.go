package ssmdoc

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"webstack/contract"
)

const (
	minTimeout = 5
	maxTimeout = 172800
)

var (
	documentRE  = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,128}$`)
	parameterRE = regexp.MustCompile(`^[a-zA-Z0-9]+$`)
)

// check reports everything that SSM refuses in a document, or that its agent drops without a word.
func (d Document) check(name string) error {
	var problems []error
	problem := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	problem(documentRE.MatchString(name), "name the document %q: use 3 to 128 letters, digits and _.-", name)
	begin := contract.ReservedBeginning(name)
	problem(begin == "", "name the document %q: AWS reserves names that begin with %s; rename the project in Pulumi.yaml",
		name, begin)
	for _, key := range slices.Sorted(maps.Keys(d.Parameters)) {
		pattern := d.Parameters[key].Pattern
		problem(parameterRE.MatchString(key), "name the parameter %q: use letters and digits", key)
		problem(len(pattern) > 1 && pattern[0] == '^' && pattern[len(pattern)-1] == '$',
			"allow %q for the parameter %s: anchor the pattern with ^ and $", pattern, key)
	}
	for _, step := range d.Steps {
		problem(parameterRE.MatchString(step.Name), "name the step %q: use letters and digits", step.Name)
		problem(step.TimeoutSeconds >= minTimeout && step.TimeoutSeconds <= maxTimeout,
			"stop the step %s after %d s: use %d to %d", step.Name, step.TimeoutSeconds, minTimeout, maxTimeout)
	}
	return errors.Join(problems...)
}
