package machine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"webstack/local/machine"
)

// commands boots one machine for all tests that only run commands on it.
func TestCommands(t *testing.T) {
	l := open(t)
	id := l.boot(l.spec())
	t.Run("exit codes and streams", func(t *testing.T) { l.exits(t, id) })
	t.Run("timeout", func(t *testing.T) { l.timeout(t, id) })
	t.Run("caller gone", func(t *testing.T) { l.callerGone(t, id) })
	t.Run("input", func(t *testing.T) { l.input(t, id) })
	t.Run("terminal", func(t *testing.T) { l.terminal(t, id) })
	t.Run("no such machine", func(t *testing.T) {
		if _, err := l.Run(t.Context(), "i-00000000", machine.Command{Args: []string{"true"}}); !errors.Is(err, machine.ErrUnknown) {
			t.Errorf("error is %v", err)
		}
	})
}

func (l *laptop) exits(t *testing.T, id string) {
	var stdout, stderr bytes.Buffer
	exit, err := l.Run(t.Context(), id, machine.Command{
		Args:  []string{"/var/lib/amazon/script.sh", "arg"},
		Files: map[string][]byte{"/var/lib/amazon/script.sh": []byte("#!/bin/sh\necho $1 $EXTRA $AWS_ENDPOINT_URL; pwd >&2; exit 168\n")},
		Env:   []string{"EXTRA=more"}, Dir: "/tmp", Stdout: &stdout, Stderr: &stderr,
	})
	if err != nil || exit.Code != 168 || exit.TimedOut {
		t.Fatalf("%+v, %v", exit, err)
	}
	if stdout.String() != "arg more "+machine.AWSEndpoint+"\n" || stderr.String() != "/tmp\n" {
		t.Errorf("stdout %q, stderr %q", &stdout, &stderr)
	}
	if exit, _ := l.try(id, "kill -TERM $$"); exit.Code != 128+15 {
		t.Errorf("after SIGTERM: %+v", exit)
	}
	if got := l.sh(id, "(sleep 0.2; echo late) & echo started"); got != "started\nlate" {
		t.Errorf("with a program in the background: %q", got)
	}
	if _, err := l.Run(t.Context(), id, machine.Command{Args: []string{"/no/such/program"}}); err == nil {
		t.Error("a program that is not there ran")
	}
	if got := l.sh(id, "stat -c '%a %U' /var/lib/amazon/script.sh"); got != "700 root" {
		t.Errorf("the file is %s", got)
	}
}

// marked counts the processes on a machine that have a word of their own in their command line.
func (l *laptop) marked(id, word string) string {
	return l.sh(id, "pgrep -f '^sleep "+word+"' | wc -l")
}

func (l *laptop) timeout(t *testing.T, id string) {
	exit, err := l.Run(t.Context(), id, machine.Command{
		Args: []string{"sh", "-c", "trap '' TERM; sleep 11111 & sleep 11111"}, Timeout: time.Second})
	if err != nil || !exit.TimedOut || exit.Code != 137 {
		t.Fatalf("%+v, %v", exit, err)
	}
	l.eventually("the whole group is gone", func() bool { return l.marked(id, "11111") == "0" })
}

func (l *laptop) callerGone(t *testing.T, id string) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := l.Run(ctx, id, machine.Command{Args: []string{"sh", "-c", "sleep 22222 & sleep 22222"}})
		done <- err
	}()
	l.eventually("the programs run", func() bool { return l.marked(id, "22222") == "2" })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	l.eventually("the whole group is gone", func() bool { return l.marked(id, "22222") == "0" })
}

func (l *laptop) input(t *testing.T, id string) {
	sent := strings.Repeat("0123456789abcdef", 1<<17) // more than fits into all buffers on the way
	var out bytes.Buffer
	exit, err := l.Run(t.Context(), id, machine.Command{Args: []string{"cat"}, Stdin: strings.NewReader(sent), Stdout: &out})
	if err != nil || exit.Code != 0 || out.String() != sent {
		t.Errorf("%+v, %v, %d bytes of %d came back", exit, err, out.Len(), len(sent))
	}
	exit, err = l.Run(t.Context(), id, machine.Command{Args: []string{"true"}, Stdin: strings.NewReader(sent)})
	if err != nil || exit.Code != 0 {
		t.Errorf("a program that does not read: %+v, %v", exit, err)
	}
}

func (l *laptop) terminal(t *testing.T, id string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	term, err := l.Open(ctx, id, machine.Command{Args: []string{"sh"}, Env: []string{"TERM=xterm", "PS1=> "}}, 30, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = term.Close() }()
	screen := &screen{from: term}
	screen.until(t, "> ")
	screen.enter(t, "stty size", "30 100")
	if err := term.Resize(40, 120); err != nil {
		t.Fatal(err)
	}
	screen.enter(t, "stty size", "40 120")
	// A program that has printed something is in the foreground, so the key reaches it.
	screen.enter(t, `sh -c 'echo be""gun; read -r x'`, "begun\r\n")
	if _, err := term.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	screen.until(t, "> ") // the key discards input that was typed before it was read
	screen.enter(t, "echo in''terrupted", "interrupted")
	if _, err := term.Write([]byte("exit 7\r")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, term); err != nil {
		t.Errorf("the end of the output: %v", err)
	}
	if code, err := term.Wait(); code != 7 || err != nil {
		t.Errorf("it ended with %d, %v", code, err)
	}
}

// screen is what a terminal has shown since it was last looked at.
type screen struct {
	from machine.Terminal
	seen string
}

func (s *screen) enter(t *testing.T, line, want string) {
	t.Helper()
	if _, err := s.from.Write([]byte(line + "\r")); err != nil {
		t.Fatal(err)
	}
	s.until(t, want)
}

func (s *screen) until(t *testing.T, want string) {
	t.Helper()
	buffer := make([]byte, 1024)
	for !strings.Contains(s.seen, want) {
		n, err := s.from.Read(buffer)
		s.seen += string(buffer[:n])
		if err != nil {
			t.Fatalf("no %q in %q: %v", want, s.seen, err)
		}
	}
	_, s.seen, _ = strings.Cut(s.seen, want)
}
