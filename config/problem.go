package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// problem is one problem: where it is, what is wrong, and what is allowed there.
type problem struct {
	line       int // in the stack file; 0 if unknown
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

// report joins problems into one error, one per line. With the name of a stack file they are sorted by line, otherwise
// by path.
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
