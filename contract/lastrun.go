package contract

import (
	"encoding/json"
	"time"
)

// LastRun is what the host remembers about its last converge. It contains no secrets.
type LastRun struct {
	// Releases are the releases that the apps should run, by app; an app that is not in it should run none.
	Releases map[string]string `json:"releases"`
	// FailedAt is when it failed, zero if it did not.
	FailedAt time.Time `json:"failedAt,omitzero"`
	// Problems say why it failed; empty if it did not.
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is one thing that the last converge could not do.
type Problem struct {
	// App is the affected app, "" for the whole host.
	App string `json:"app,omitempty"`
	// Error says what went wrong.
	Error string `json:"error"`
	// Lines are the last lines that the app's failed container wrote.
	Lines []string `json:"lines,omitempty"`
}

// Limits that keep a status with many problems short enough for a command's output.
const (
	maxProblemBytes = 1000
	maxProblemLines = 5
	// maxDetailed is how many problems include lines.
	maxDetailed = 20
)

// Encode returns the JSON text. It cuts texts that are too long.
func (l LastRun) Encode() []byte {
	var problems []Problem
	for i, p := range l.Problems {
		p.Error = Clip(p.Error, maxProblemBytes)
		if i >= maxDetailed {
			p.Lines = nil
		}
		var lines []string
		for _, line := range p.Lines[max(0, len(p.Lines)-maxProblemLines):] {
			lines = append(lines, Clip(line, maxProblemBytes))
		}
		p.Lines = lines
		problems = append(problems, p)
	}
	l.Problems = problems
	// A struct of strings, times, maps and slices of these always encodes without an error.
	text, _ := json.MarshalIndent(l, "", "  ")
	return append(text, '\n')
}

// DecodeLastRun decodes what Encode returned. For an invalid text, it returns an empty LastRun.
func DecodeLastRun(text []byte) LastRun {
	var l LastRun
	if json.Unmarshal(text, &l) != nil {
		return LastRun{}
	}
	return l
}
