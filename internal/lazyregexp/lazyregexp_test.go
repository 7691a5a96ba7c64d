package lazyregexp

import (
	"slices"
	"testing"
)

func TestRegexp(t *testing.T) {
	t.Parallel()
	r := New(`^a(b*)$`)
	if r.String() != `^a(b*)$` || !r.MatchString("abb") || r.MatchString("b") ||
		!slices.Equal(r.FindStringSubmatch("abb"), []string{"abb", "bb"}) || r.ReplaceAllString("ab", "x") != "x" {
		t.Error("it does not do what package regexp does")
	}
}

func TestNothingIsCompiledBeforeItsUse(t *testing.T) {
	t.Parallel()
	r := New(`(`)
	defer func() {
		if recover() == nil {
			t.Error("the use of an invalid expression did not panic")
		}
	}()
	r.MatchString("")
}
