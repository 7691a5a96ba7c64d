package session

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"webstack/internal/datachannel"
)

// command is a command whose exit code is wanted. Session Manager does not report it, so the command prints marks
// around its output: one at the beginning, which shows that an agent without the handshake is ready, and one with the
// exit code at the end. Write removes the marks.
type command struct {
	// line is the line to run.
	line string

	out   io.Writer
	mark  []byte
	begun bool
	ended bool
	code  int
	held  []byte // the end of the output, which may be the beginning of a mark
}

// maxTail is the maximum length of what follows the mark at the end: a colon, the code and a bracket.
const maxTail = len(":255]")

func newCommand(text string, terminal bool, out io.Writer) *command {
	mark := "[" + datachannel.UUID()
	// A trap keeps this shell from being ended by the interrupt key; the command does not inherit it.
	line := "trap : INT QUIT; printf '%s' '" + mark + "]'; sh -c " + quote(text) + "; printf '%s:%d]' '" + mark + "' $?"
	if !terminal {
		line = "sh -c " + quote(line) // without a terminal, the agent splits words like a shell, but runs none
	}
	return &command{line: line, out: out, mark: []byte(mark)}
}

// quote quotes a text as one word for a shell. Systems Manager would take two braces as the beginning of a parameter.
func quote(text string) string {
	text = strings.ReplaceAll(text, "'", `'\''`)
	for strings.Contains(text, "{{") {
		text = strings.ReplaceAll(text, "{{", "{''{")
	}
	return "'" + text + "'"
}

// Write writes output without the marks.
func (c *command) Write(data []byte) (int, error) {
	c.held = append(c.held, data...)
	for {
		at := bytes.Index(c.held, c.mark)
		if at < 0 {
			return len(data), c.pass(len(c.held) - partial(c.held, c.mark))
		}
		rest := c.held[at+len(c.mark):]
		length := bytes.IndexByte(rest[:min(len(rest), maxTail)], ']')
		switch {
		case length < 0 && len(rest) < maxTail:
			return len(data), c.pass(at) // the rest is to come
		case length == 0 && !c.begun:
			c.begun = true
		case length > 0 && scan(rest[:length], &c.code):
			c.ended = true
		default: // the command printed the mark itself, for example by listing processes
			if err := c.pass(at + len(c.mark)); err != nil {
				return 0, err
			}
			continue
		}
		if err := c.pass(at); err != nil {
			return 0, err
		}
		c.held = c.held[len(c.mark)+length+1:]
	}
}

func scan(text []byte, code *int) bool {
	n, err := fmt.Sscanf(string(text), ":%d", code)
	return n == 1 && err == nil
}

// partial returns how many bytes at the end of the text are the beginning of the mark.
func partial(text, mark []byte) int {
	for n := min(len(text), len(mark)-1); n > 0; n-- {
		if bytes.HasSuffix(text, mark[:n]) {
			return n
		}
	}
	return 0
}

// pass writes the first n held bytes.
func (c *command) pass(n int) error {
	if n == 0 {
		return nil
	}
	_, err := c.out.Write(c.held[:n])
	c.held = c.held[n:]
	return err
}

// flush writes the held bytes, which turned out not to be a mark.
func (c *command) flush() error {
	if err := c.pass(len(c.held)); err != nil {
		return fmt.Errorf("write the session's output: %w", err)
	}
	return nil
}
