package config

import (
	"fmt"
	"io"
)

const hidden = "[secret]"

// Secret is a value that must not be shown. Printing or marshalling it gives the text [secret]; only Reveal returns
// the value.
type Secret string

// Reveal returns the value itself. Call it only to pass the value on as a Pulumi secret.
func (s Secret) Reveal() string { return string(s) }

// String returns [secret].
func (s Secret) String() string { return hidden }

// GoString returns [secret].
func (s Secret) GoString() string { return hidden }

// Format writes [secret] for every verb, so that %x and %q do not bypass String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns [secret] for JSON, YAML and structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
