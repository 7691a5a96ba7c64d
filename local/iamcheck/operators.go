package iamcheck

import (
	"fmt"
	"slices"
	"strings"
)

// operators compare a wanted value with one of the request's.
var operators = map[string]struct {
	negated bool
	matches func(wanted, got string) bool
}{
	"StringEquals":              {false, equal},
	"StringNotEquals":           {true, equal},
	"StringEqualsIgnoreCase":    {false, strings.EqualFold},
	"StringNotEqualsIgnoreCase": {true, strings.EqualFold},
	"StringLike":                {false, Match},
	"StringNotLike":             {true, Match},
	"ArnEquals":                 {false, resourceMatches},
	"ArnLike":                   {false, resourceMatches},
	"ArnNotEquals":              {true, resourceMatches},
	"ArnNotLike":                {true, resourceMatches},
	"Bool":                      {false, strings.EqualFold},
}

func equal(a, b string) bool { return a == b }

const (
	forAny   = "ForAnyValue:"
	forAll   = "ForAllValues:"
	ifExists = "IfExists"
	null     = "Null"
)

// condition is one key of one operator.
type condition struct {
	key    string // in lower case
	values []string
	// set is forAny, forAll or "" for keys with one value.
	set      string
	ifExists bool
	null     bool
	negated  bool
	matches  func(wanted, got string) bool
}

func newCondition(operator, key string, values []string) (condition, error) {
	c := condition{key: strings.ToLower(key), values: values}
	name := operator
	for _, set := range []string{forAny, forAll} {
		if rest, ok := strings.CutPrefix(name, set); ok {
			c.set, name = set, rest
		}
	}
	if name == null && c.set == "" {
		c.null = true
		return c, nil
	}
	name, c.ifExists = strings.CutSuffix(name, ifExists)
	found, ok := operators[name]
	if !ok {
		return c, fmt.Errorf("the laptop cloud does not support the condition operator %q", operator)
	}
	c.negated, c.matches = found.negated, found.matches
	return c, nil
}

// holds reports whether the condition is met by the values of the request.
func (c condition) holds(context map[string][]string) bool {
	var got []string
	for key, values := range context {
		if strings.ToLower(key) == c.key {
			got = values
		}
	}
	present := len(got) > 0
	meets := func(value string) bool {
		return c.negated != slices.ContainsFunc(c.values, func(wanted string) bool { return c.matches(wanted, value) })
	}
	switch {
	case c.null:
		return slices.Contains(c.values, fmt.Sprint(!present))
	case c.set == forAll:
		return !slices.ContainsFunc(got, func(value string) bool { return !meets(value) })
	case !present:
		// A negated operator holds without a value, except for "one of the values".
		return c.ifExists || c.negated && c.set == ""
	case c.set == forAny:
		return slices.ContainsFunc(got, meets)
	default:
		return meets(got[0])
	}
}
