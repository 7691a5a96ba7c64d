package moto

import (
	"bytes"
	"io"
	"regexp"
)

// answered is the line that moto's server writes for a request it has answered other than by an error of its own.
var answered = regexp.MustCompile(`" [1-4][0-9][0-9] -\s*$`)

// errorsOnly passes on whole lines but for those of answered requests, which the gateway logs, with their actions.
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
