package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// problem is one thing that is wrong: where, what, and what is allowed there.
type problem struct {
	line       int // in the stack file; 0 when it is not known
	path, text string
}

func newProblem(line int, path, wrong, allowed string) problem {
	switch {
	case allowed == "":
	case strings.HasSuffix(wrong, "?"): // did you mean ...?
		wrong += " Allowed: " + allowed
	default:
		wrong += "; allowed: " + allowed
	}
	return problem{line, path, wrong}
}

// report joins problems to one error, one line each. With the name of a stack file they come in the order of its lines,
// else in that of their paths.
func report(file string, problems []problem) error {
	slices.SortStableFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.path, b.path), cmp.Compare(a.text, b.text))
	})
	errs := make([]error, 0, len(problems))
	for _, p := range slices.Compact(problems) {
		text := p.text
		if p.path != "" {
			text = p.path + ": " + text
		}
		switch {
		case file != "" && p.line > 0:
			text = fmt.Sprintf("%s:%d: %s", file, p.line, text)
		case file != "":
			text = file + ": " + text
		}
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}
