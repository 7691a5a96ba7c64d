package runcommand

import "sync"

const (
	// MaxOutput is how many bytes of a step's output, and of its errors, the agent hands on.
	MaxOutput = 24000
	// MaxStderr is how many characters of a step's errors GetCommandInvocation shows.
	MaxStderr = 8000
	// MaxCombined is how many bytes of both together ListCommandInvocations shows.
	MaxCombined = 2500
	// maxHeld bounds what is held of a running script's output, in bytes.
	maxHeld = 8 << 20

	cutMark       = "--output truncated--"
	cutOutputMark = "\n---Output truncated---"
	cutErrorMark  = "\n---Error truncated----"
	errorHeader   = "\n----------ERROR-------\n"
)

// output holds the beginning of what a script writes.
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

// cut is as much of a text as the agent hands on. A text of just MaxOutput bytes counts as too long, as for the agent,
// which reads no further.
func cut(text string) string {
	if len(text) < MaxOutput {
		return text
	}
	return text[:MaxOutput-len(cutMark)] + cutMark
}

// readable has the replacement character for each byte that is not UTF-8, as JSON has.
func readable(text string) string { return string([]rune(text)) }

// combined is a step's output as lists show it: what it wrote, then what it wrote of errors. What is too long is cut;
// when both are, each gets half of the room.
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

// FirstCharacters is the beginning of a text.
func FirstCharacters(text string, characters int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), characters)])
}
