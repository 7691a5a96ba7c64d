// Package lazyregexp compiles regular expressions when they are first used, because a command that needs few of them should
// not wait for all.
package lazyregexp

import (
	"regexp"
	"sync"
)

// Regexp is a regular expression that may not have been compiled yet.
type Regexp struct {
	text    string
	compile func() *regexp.Regexp
}

// New returns the regular expression in text. One that cannot be compiled panics when it is first used, so tests must use
// each.
func New(text string) *Regexp {
	return &Regexp{text: text, compile: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

// String returns the text of the expression.
func (r *Regexp) String() string { return r.text }

// MatchString reports whether the expression matches in s.
func (r *Regexp) MatchString(s string) bool { return r.compile().MatchString(s) }

// FindStringSubmatch returns the leftmost match in s and its groups, nil without one.
func (r *Regexp) FindStringSubmatch(s string) []string { return r.compile().FindStringSubmatch(s) }

// FindIndex returns where the leftmost match in b begins and ends, nil without one.
func (r *Regexp) FindIndex(b []byte) []int { return r.compile().FindIndex(b) }

// ReplaceAllString replaces all matches in s.
func (r *Regexp) ReplaceAllString(s, replacement string) string {
	return r.compile().ReplaceAllString(s, replacement)
}
