package client

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"webstack/internal/datachannel"
	operator "webstack/internal/operate/session"
	"webstack/local/session"
)

// opened is a session that somebody sits at.
type opened struct {
	t      *testing.T
	screen *screen
	keys   *io.PipeWriter
	window *window
	stop   context.CancelFunc
	code   int
	err    error
	done   chan struct{}
}

// sit opens a session at a window.
func sit(t *testing.T, s *service, command string) *opened {
	t.Helper()
	read, write := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	o := &opened{
		t: t, screen: &screen{}, keys: write, window: &window{sizes: make(chan operator.Size, 9)}, stop: stop, done: make(chan struct{}),
	}
	o.window.sizes <- operator.Size{Rows: 33, Cols: 99}
	go func() {
		defer close(o.done)
		o.code, o.err = operator.Open(ctx, s.config(), target, operator.Options{
			Command: command, Stdin: read, Stdout: o.screen, Stderr: o.screen, Window: o.window,
		})
	}()
	t.Cleanup(func() {
		stop()
		_ = write.Close()
	})
	return o
}

func (o *opened) send(text string) {
	o.t.Helper()
	if _, err := io.WriteString(o.keys, text); err != nil {
		o.t.Fatal(err)
	}
}

// insist types keys until the output contains the text.
func (o *opened) insist(keys, text string) {
	o.t.Helper()
	before := len(o.screen.String())
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(o.screen.String()[before:], text); {
		if o.send(keys); time.Now().After(deadline) {
			o.t.Fatalf("no %q after %q: %q", text, keys, o.screen)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// end waits for the end of the session.
func (o *opened) end() (int, error) {
	o.t.Helper()
	select {
	case <-o.done:
	case <-time.After(30 * time.Second):
		o.t.Fatalf("the session does not end; it shows %q", o.screen)
	}
	if o.window.raw {
		o.t.Error("the terminal was not given back")
	}
	return o.code, o.err
}

func TestShell(t *testing.T) {
	t.Parallel()
	s := newService(t)
	o := sit(t, s, "")
	o.screen.wait(t, "$ ")
	o.send("stty size\r")
	o.screen.wait(t, "33 99\r\n")
	o.window.sizes <- operator.Size{Rows: 44, Cols: 111}
	o.insist("stty size\r", "44 111\r\n")
	// A shell that is reading gets the key; one that is about to start a program may lose it.
	o.send("sh -c 'echo be\"\"gun; read -r x'\r")
	o.screen.wait(t, "begun\r\n")
	o.send("\x03")
	o.screen.wait(t, "^C\r\n$ ")
	o.send("exit 5\r")
	if code, err := o.end(); code != 0 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}
	for _, signed := range s.signed {
		if !strings.Contains(signed, "/eu-central-1/ssmmessages/aws4_request") {
			t.Errorf("signed %q", signed)
		}
	}
	if inputs := s.called("TerminateSession"); len(inputs) > 0 {
		t.Errorf("a session that ended was terminated: %v", inputs)
	}
}

func TestCommandWithTerminal(t *testing.T) {
	t.Parallel()
	o := sit(t, newService(t), `test -t 1 && echo "here's {{a}} \"terminal\""; read -r x; echo "got $x"; exit 42`)
	o.screen.wait(t, "here's {{a}} \"terminal\"\r\n")
	o.send("words\r")
	code, err := o.end()
	if code != 42 || err != nil || o.screen.String() != "here's {{a}} \"terminal\"\r\nwords\r\ngot words\r\n" {
		t.Errorf("exit code %d, %v, shown %q", code, err, o.screen)
	}
}

func TestTheInterruptKeyGoesToTheCommand(t *testing.T) {
	t.Parallel()
	o := sit(t, newService(t), "echo begun; read -r x; echo never")
	o.screen.wait(t, "begun\r\n")
	o.send("\x03")
	if code, err := o.end(); code != 130 || err != nil {
		t.Errorf("exit code %d, %v, shown %q", code, err, o.screen)
	}
}

func TestCommandWithoutTerminal(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]struct {
		code int
		out  string
	}{
		"test -t 1 || echo none; cat; exit 3": {3, "none\n"},
		"printf 'no line end'":                {0, "no line end"},
		"echo 'a  b' \"{{c}}\"":               {0, "a  b {{c}}\n"},
		"kill -9 $$":                          {137, ""},
		"echo '":                              {2, ""},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			var out, problems screen
			code, err := operator.Open(t.Context(), newService(t).config(), target, operator.Options{
				Command: command, Stdin: strings.NewReader("unread"), Stdout: &out, Stderr: &problems,
			})
			if code != want.code || err != nil || !strings.HasPrefix(out.String(), want.out) ||
				code != 2 && code != 137 && out.String() != want.out {
				t.Errorf("exit code %d, %v, shown %q and %q", code, err, out.String(), problems.String())
			}
		})
	}
}

func TestAShellReadsAScript(t *testing.T) {
	t.Parallel()
	var out screen
	code, err := operator.Open(t.Context(), newService(t).config(), target, operator.Options{
		Stdin: strings.NewReader("echo he''llo\n"), Stdout: &out, Stderr: &out,
	})
	if code != 0 || err != nil || !strings.Contains(out.String(), "hello\r\n") {
		t.Errorf("exit code %d, %v, shown %q", code, err, out.String())
	}
}

func TestDisconnectingTerminatesTheSession(t *testing.T) {
	t.Parallel()
	s := newService(t)
	o := sit(t, s, "echo begun; sleep 1000")
	o.screen.wait(t, "begun\r\n")
	o.stop()
	if _, err := o.end(); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if inputs := s.called("TerminateSession"); len(inputs) != 1 || inputs[0]["SessionId"] != s.manager.List()[0].ID {
		t.Errorf("terminated %v", inputs)
	}
	s.manager.Close() // waits for what runs
}

func TestASessionThatIsTerminatedEnds(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{"": "", "echo '$ '; sleep 1000": "exit code is unknown"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			o := sit(t, s, command)
			o.screen.wait(t, "$ ")
			if err := s.manager.Terminate(s.manager.List()[0].ID); err != nil {
				t.Fatal(err)
			}
			_, err := o.end()
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestAMachineThatIsNotConnected(t *testing.T) {
	t.Parallel()
	_, err := operator.Open(t.Context(), newService(t).config(), "i-1", operator.Options{Stdout: io.Discard, Stderr: io.Discard})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "TargetNotConnected" ||
		!strings.HasPrefix(err.Error(), "start a session on i-1: ") {
		t.Error(err)
	}
}

// Agents without encryption begin a shell with no handshake; the first output is the sign that they take input.
func TestAnAgentThatSkipsTheHandshake(t *testing.T) {
	t.Parallel()
	got := make(chan datachannel.Message, 9)
	s := played(t, func(ctx context.Context, stream *datachannel.Stream) {
		_ = stream.Send(ctx, datachannel.Data, []byte("sh-5$ "))
		for range 2 {
			m, err := stream.Receive(ctx)
			if err != nil {
				t.Error(err)
			}
			got <- m
		}
		_ = stream.Close(ctx, "played", "")
	})
	o := sit(t, s, "")
	o.screen.wait(t, "sh-5$ ")
	o.send("ls\r")
	kinds := map[datachannel.Kind]string{}
	for range 2 {
		m := <-got
		kinds[m.Kind] = string(m.Payload)
	}
	if kinds[datachannel.Data] != "ls\r" || kinds[datachannel.Size] != `{"cols":99,"rows":33}` {
		t.Errorf("the agent got %v", kinds)
	}
	if _, err := o.end(); err != nil {
		t.Error(err)
	}
}

// asking returns an agent that asks for an action and sends on what the client answers.
func asking(action datachannel.Action, answers chan<- datachannel.HandshakeAnswer) func(context.Context, *datachannel.Stream) {
	return func(ctx context.Context, stream *datachannel.Stream) {
		_ = stream.Send(ctx, datachannel.HandshakeRequest, datachannel.JSON(datachannel.Handshake{
			AgentVersion: "3.0.0.0", RequestedClientActions: []datachannel.Action{action},
		}))
		m, err := stream.Receive(ctx)
		var answer datachannel.HandshakeAnswer
		if err == nil && m.Kind == datachannel.HandshakeResponse && m.Read(&answer) == nil {
			answers <- answer
		}
	}
}

func TestWhatThisClientCannotDoIsRefused(t *testing.T) {
	t.Parallel()
	for want, action := range map[string]datachannel.Action{
		"use: aws ssm start-session": {ActionType: "KMSEncryption", ActionParameters: []byte(`{"KMSKeyId": "k"}`)},
		"type Port":                  {ActionType: "SessionType", ActionParameters: []byte(`{"SessionType": "Port"}`)},
		"the requested action Dance": {ActionType: "Dance", ActionParameters: []byte(`{}`)},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			answers := make(chan datachannel.HandshakeAnswer, 1)
			s := played(t, asking(action, answers))
			_, err := operator.Open(t.Context(), s.config(), target, operator.Options{Stdout: io.Discard, Stderr: io.Discard})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("it ended with %v", err)
			}
			if len(s.called("TerminateSession")) != 1 {
				t.Error("the session was not terminated")
			}
		})
	}
}

func TestWhatOtherAgentsTell(t *testing.T) {
	t.Parallel()
	s := played(t, func(ctx context.Context, stream *datachannel.Stream) {
		for _, m := range []datachannel.Message{
			{Kind: datachannel.HandshakeComplete, Payload: []byte(`{"CustomerMessage": "Be kind."}`)},
			{Kind: datachannel.StdErr, Payload: []byte("oh\n")},
			{Kind: datachannel.Data, Payload: []byte("ah\n")},
			{Kind: datachannel.ExitCode, Payload: []byte("9")},
		} {
			_ = stream.Send(ctx, m.Kind, m.Payload)
		}
		_ = stream.Close(ctx, "played", "")
	})
	var out, problems screen
	code, err := operator.Open(t.Context(), s.config(), target, operator.Options{Command: "x", Stdout: &out, Stderr: &problems})
	if code != 9 || err != nil || out.String() != "ah\n" || problems.String() != "Be kind.\noh\n" {
		t.Errorf("exit code %d, %v, shown %q and %q", code, err, out.String(), problems.String())
	}
}

func TestWhyASessionFailed(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "x"} {
		s := played(t, func(ctx context.Context, stream *datachannel.Stream) {
			_ = stream.Close(ctx, "played", "Unable to start command: no such user")
		})
		_, err := operator.Open(t.Context(), s.config(), target, operator.Options{Command: command, Stdout: io.Discard, Stderr: io.Discard})
		if err == nil || !strings.Contains(err.Error(), "no such user") {
			t.Errorf("%q ended with %v", command, err)
		}
	}
}

func TestABrokenConnectionIsOpenedAgain(t *testing.T) {
	t.Parallel()
	proceed := make(chan struct{})
	s := played(t, func(ctx context.Context, stream *datachannel.Stream) {
		_ = stream.Send(ctx, datachannel.Data, []byte("before "))
		<-proceed
		_ = stream.Send(ctx, datachannel.Data, []byte("after"))
		_ = stream.Close(ctx, "played", "")
	})
	o := sit(t, s, "")
	o.screen.wait(t, "before ")
	s.cut()
	close(proceed)
	if _, err := o.end(); err != nil || o.screen.String() != "before after" {
		t.Errorf("it ended with %v and shows %q", err, o.screen)
	}
	if inputs := s.called("ResumeSession"); len(inputs) != 1 || inputs[0]["SessionId"] != "played" {
		t.Errorf("resumed %v", inputs)
	}
}

func TestASessionThatEndedWhileTheConnectionWasBroken(t *testing.T) {
	t.Parallel()
	s := newService(t)
	o := sit(t, s, "")
	o.screen.wait(t, "$ ")
	s.manager.Close()
	if _, err := o.end(); err != nil {
		t.Error(err) // it was told before the connection ended
	}
	if got := s.manager.List()[0]; got.Status != session.Terminated || got.Ended.IsZero() {
		t.Errorf("%+v", got)
	}
}
