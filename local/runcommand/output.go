package runcommand

import (
	"strings"
	"sync"
)

const (
	// MaxStdout is how many characters of a step's output Systems Manager keeps.
	MaxStdout = 24000
	// MaxStderr is how many of its errors.
	MaxStderr = 8000
	// MaxCombined is how many characters of both together it lists.
	MaxCombined = 2500
	// maxOutput bounds what is held of a running script's output, in bytes.
	maxOutput = 8 << 20

	truncated   = "\n---Output truncated---"
	errorHeader = "\n----------ERROR-------\n"
)

// output holds the beginning of what a script writes.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, data[:min(len(data), maxOutput-len(o.text))]...)
	return len(data), nil
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text
}

// prefix cuts a text to that many characters, the last of which say that it was cut.
func prefix(text string, characters int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= characters {
		return text
	}
	runes := []rune(text)
	if len(runes) <= characters {
		return text
	}
	return string(runes[:characters-len(truncated)]) + truncated
}

// Combined is a step's output as lists show it: what it wrote, then what it wrote of errors.
func (r Result) Combined() string {
	if r.Stderr == "" {
		return prefix(r.Stdout, MaxCombined)
	}
	errors := errorHeader + r.Stderr
	if room := MaxCombined - len([]rune(errors)); room >= len([]rune(r.Stdout)) {
		return r.Stdout + errors
	} else if room > len(truncated) {
		return prefix(r.Stdout, room) + errors
	}
	// Both are long, so each gets about half.
	half := (MaxCombined - len(errorHeader)) / 2
	return prefix(r.Stdout, half) + errorHeader + prefix(r.Stderr, half)
}
