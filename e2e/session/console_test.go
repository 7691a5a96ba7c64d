package session

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// patience is how long to wait for something; it is far longer than anything takes.
const patience = 30 * time.Second

// console is a program in a terminal, and its user.
type console struct {
	t       *testing.T
	file    *os.File
	command *exec.Cmd

	mu     sync.Mutex
	output strings.Builder
	seen   int // how much of the output was looked at
	ended  chan struct{}
}

func open(t *testing.T, command *exec.Cmd) *console {
	t.Helper()
	file, err := pty.StartWithSize(command, &pty.Winsize{Rows: 30, Cols: 90})
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, file: file, command: command, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		data := make([]byte, 4096)
		for {
			n, err := file.Read(data)
			c.mu.Lock()
			c.output.WriteString(strings.ReplaceAll(string(data[:n]), "\r", "")) // each terminal on the way adds some
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		_ = file.Close()
		<-c.ended
	})
	return c
}

func (c *console) send(text string) {
	c.t.Helper()
	if _, err := c.file.WriteString(text); err != nil {
		c.t.Fatal(err)
	}
}

// wait waits until what came since the last wait matches, and returns the match.
func (c *console) wait(pattern string) string {
	c.t.Helper()
	want := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		text := c.output.String()[c.seen:]
		at := want.FindStringIndex(text)
		if at != nil {
			c.seen += at[1]
		}
		c.mu.Unlock()
		if at != nil {
			return text[at[0]:at[1]]
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("no %q in %q", pattern, text)
		}
	}
}

// ask sends a line until an answer comes that matches.
func (c *console) ask(line, pattern string) {
	c.t.Helper()
	want := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(patience); ; time.Sleep(300 * time.Millisecond) {
		c.send(line)
		c.mu.Lock()
		text := c.output.String()[c.seen:]
		c.mu.Unlock()
		if want.MatchString(text) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("no answer %q to %q in %q", pattern, line, text)
		}
	}
}

// end waits for the end of the program and returns its exit code and all that it printed.
func (c *console) end() (code int, output string) {
	c.t.Helper()
	done := make(chan error, 1)
	go func() { done <- c.command.Wait() }()
	select {
	case err := <-done:
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			c.t.Fatal(err)
		}
	case <-time.After(patience):
		c.t.Fatalf("it does not end: %q", c.text())
	}
	<-c.ended
	return c.command.ProcessState.ExitCode(), c.text()
}

func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.output.String()
}

// output runs a program without a terminal. Its input ends only with the program: the plugin would end with its input.
func output(t *testing.T, command *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems strings.Builder
	command.Stdout, command.Stderr = &out, &problems
	if command.Stdin == nil {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = read.Close()
			_ = write.Close()
		}()
		command.Stdin = read
	}
	var failed *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), out.String(), problems.String()
}
