package config

import (
	"fmt"
	"io"
)

const hidden = "[secret]"

// Secret is a value that must not be seen. Whatever prints or marshals it gets the text [secret]; Reveal is the
// only way to the value.
type Secret string

// Reveal returns the value itself. Call it only where the value goes to its place, as a Pulumi secret.
func (s Secret) Reveal() string { return string(s) }

// String returns [secret].
func (s Secret) String() string { return hidden }

// GoString returns [secret].
func (s Secret) GoString() string { return hidden }

// Format writes [secret] for every verb, so that %x and %q do not get around String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText gives [secret] to JSON, YAML and structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
