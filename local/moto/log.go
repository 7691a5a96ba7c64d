package moto

import (
	"bytes"
	"io"
	"regexp"
)

// answered matches the line that moto's server writes for a request, unless it answered with an internal error.
var answered = regexp.MustCompile(`" [1-4][0-9][0-9] -\s*$`)

// errorsOnly passes on whole lines, except those of answered requests, which the gateway logs with their actions.
type errorsOnly struct {
	to   io.Writer
	rest []byte
}

func (l *errorsOnly) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		line := l.rest[:end+1]
		l.rest = l.rest[end+1:]
		if answered.Match(line) {
			continue
		}
		if _, err := l.to.Write(line); err != nil {
			return len(p), err
		}
	}
}
