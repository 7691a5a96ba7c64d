package runcommand

import "sync"

const (
	// MaxOutput is how many bytes of a step's output, and of its errors, the agent reports.
	MaxOutput = 24000
	// MaxStderr is how many characters of a step's errors GetCommandInvocation shows.
	MaxStderr = 8000
	// MaxCombined is how many bytes of both together ListCommandInvocations shows.
	MaxCombined = 2500
	// maxHeld limits how much of a running script's output is kept, in bytes.
	maxHeld = 8 << 20

	cutMark       = "--output truncated--"
	cutOutputMark = "\n---Output truncated---"
	cutErrorMark  = "\n---Error truncated----"
	errorHeader   = "\n----------ERROR-------\n"
)

// output keeps the beginning of a script's output.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, data[:min(len(data), maxHeld-len(o.text))]...)
	return len(data), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// cut returns the part of a text that the agent reports. As for the agent, which reads no further, a text of exactly
// MaxOutput bytes counts as too long.
func cut(text string) string {
	if len(text) < MaxOutput {
		return text
	}
	return text[:MaxOutput-len(cutMark)] + cutMark
}

// readable replaces each byte that is not UTF-8 with the replacement character, as JSON does.
func readable(text string) string { return string([]rune(text)) }

// combined returns a step's output as lists show it: its output, then its errors. What is too long is cut; if both are,
// each gets half of the space.
func combined(stdout, stderr string) string {
	header, room := "", MaxCombined
	if stderr != "" {
		header = errorHeader
		room -= len(header)
	}
	switch {
	case len(stdout)+len(stderr) < room:
		return stdout + header + stderr
	case len(stdout) > room/2 && len(stderr) > room/2:
		each := (room - len(cutOutputMark) - len(cutErrorMark)) / 2
		return stdout[:each] + cutOutputMark + header + stderr[:each] + cutErrorMark
	case len(stdout) < room/2:
		return stdout + header + stderr[:room-len(stdout)-len(cutErrorMark)] + cutErrorMark
	default:
		return stdout[:room-len(stderr)-len(cutOutputMark)] + cutOutputMark + header + stderr
	}
}

// FirstCharacters returns the beginning of a text.
func FirstCharacters(text string, characters int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), characters)])
}
