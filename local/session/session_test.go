package session_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"webstack/internal/datachannel"
	"webstack/local/machine"
	"webstack/local/session"
	"webstack/local/session/sessiontest"
)

const target = "i-0123456789abcdef0"

// stage is a manager with one machine.
type stage struct {
	t        *testing.T
	manager  *session.Manager
	machines sessiontest.Machines
	url      string
}

func newStage(t *testing.T, change func(*session.Options)) *stage {
	t.Helper()
	s := &stage{t: t, machines: sessiontest.New(t.TempDir())}
	if err := s.machines.Boot(t.Context(), machine.Spec{InstanceID: target}); err != nil {
		t.Fatal(err)
	}
	options := session.Options{Machines: s.machines}
	if change != nil {
		change(&options)
	}
	s.manager = session.New(options)
	server := httptest.NewServer(s.manager)
	t.Cleanup(func() {
		s.manager.Close()
		server.CloseClientConnections()
		server.Close()
	})
	s.url = strings.Replace(server.URL, "http", "ws", 1) + session.Path
	return s
}

func (s *stage) start(kind session.Kind, command string) (id, token string) {
	return s.manager.Start(session.Spec{
		Target: target, Owner: "arn:aws:iam::123456789012:user/path/me", Kind: kind, Command: command,
	})
}

// dial opens a data channel and shows a token.
func (s *stage) dial(id, token string) *websocket.Conn {
	s.t.Helper()
	conn, _, err := websocket.Dial(s.t.Context(), s.url+id, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	open := datachannel.JSON(datachannel.OpenInput{TokenValue: token})
	if err := conn.Write(s.t.Context(), websocket.MessageText, open); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// client is a client that accepts everything.
type client struct {
	t      *testing.T
	stream *datachannel.Stream
}

func (s *stage) client() *client {
	return &client{t: s.t, stream: datachannel.NewStream(datachannel.Input, datachannel.Output)}
}

// enter lets the client have its session over a connection.
func (c *client) enter(conn *websocket.Conn) {
	go func() { _ = c.stream.Run(c.t.Context(), conn) }()
}

// until receives output until it has the text; "" is until the end of the session. It returns the output, and what was
// said at the end.
func (c *client) until(text string) (output, said string) {
	c.t.Helper()
	ctx, stop := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer stop()
	for text == "" || !strings.Contains(output, text) {
		m, err := c.stream.Receive(ctx)
		var closed *datachannel.ClosedError
		if errors.As(err, &closed) && text == "" {
			return output, closed.Output
		}
		if err != nil {
			c.t.Fatalf("after %q: %v", output, err)
		}
		switch m.Kind {
		case datachannel.HandshakeRequest:
			c.answer(m)
		case datachannel.Data:
			output += string(m.Payload)
		}
	}
	return output, ""
}

func (c *client) answer(m datachannel.Message) {
	c.t.Helper()
	var request datachannel.Handshake
	if err := m.Read(&request); err != nil {
		c.t.Fatal(err)
	}
	answer := datachannel.HandshakeAnswer{}
	for _, action := range request.RequestedClientActions {
		answer.ProcessedClientActions = append(answer.ProcessedClientActions,
			datachannel.ProcessedAction{ActionType: action.ActionType, ActionStatus: datachannel.ActionSuccess})
	}
	c.send(datachannel.HandshakeResponse, string(datachannel.JSON(answer)))
}

func (c *client) send(kind datachannel.Kind, text string) {
	c.t.Helper()
	if err := c.stream.Send(c.t.Context(), kind, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// wait waits until the only session has the wanted state.
func (s *stage) wait(want func(session.Info) bool) session.Info {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		info := s.manager.List()[0]
		if want(info) {
			return info
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the session stays %+v", info)
		}
	}
}

func TestSessionsAreListed(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	id, token := s.start(session.Shell, "")
	if got := s.manager.List()[0]; got.ID != id || !strings.HasPrefix(id, "me-") || got.Status != session.Connecting ||
		got.Started.IsZero() || !got.Ended.IsZero() {
		t.Errorf("%+v", got)
	}
	c := s.client()
	c.enter(s.dial(id, token))
	c.until("$ ")
	if got := s.manager.List()[0]; got.Status != session.Connected {
		t.Errorf("%+v", got)
	}
	c.send(datachannel.Data, "exit 3\r")
	if output, said := c.until(""); said != "" {
		t.Errorf("it said %q after %q", said, output)
	}
	s.wait(func(i session.Info) bool {
		return i.Status == session.Terminated && !i.Ended.IsZero() && i.Details == ""
	})
	if token, err := s.manager.Resume(id); token != "" || err != nil {
		t.Errorf("a session that ended is resumed with %q, %v", token, err)
	}
	if err := s.manager.Terminate(id); err != nil {
		t.Error(err)
	}
	for _, err := range []error{s.manager.Terminate("x"), second(s.manager.Resume("x"))} {
		if !errors.Is(err, session.ErrUnknown) {
			t.Error(err)
		}
	}
	later, _ := s.start(session.Shell, "")
	if list := s.manager.List(); len(list) != 2 || list[0].ID != later {
		t.Errorf("%+v", list)
	}
}

func second[T any](_ T, err error) error { return err }

func TestTokensAreGoodOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	id, token := s.start(session.Shell, "")
	refused := func(id, token string) {
		t.Helper()
		_, _, err := s.dial(id, token).Read(t.Context())
		if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("%v", err)
		}
	}
	refused(id, "")
	refused(id, token+"x")
	c := s.client()
	c.enter(s.dial(id, token))
	c.until("$ ")
	refused(id, token)
	if _, _, err := websocket.Dial(t.Context(), s.url+"none", nil); err == nil {
		t.Error("a session that is not there was opened")
	}
	resumed, err := s.manager.Resume(id)
	if err != nil || resumed == token {
		t.Fatalf("%q, %v", resumed, err)
	}
	c.send(datachannel.Data, "echo a''lone\r")
	c.until("alone\r\n")
}

func TestAnotherClientGoesOn(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	id, token := s.start(session.Shell, "")
	c, conn := s.client(), s.dial(id, token)
	ended := make(chan error, 1)
	go func() { ended <- c.stream.Run(t.Context(), conn) }()
	c.until("$ ")
	again, err := s.manager.Resume(id)
	if err != nil {
		t.Fatal(err)
	}
	next := s.dial(id, again)
	if err := <-ended; err == nil {
		t.Error("the first connection did not break")
	}
	c.enter(next)
	c.send(datachannel.Data, "echo ag''ain\r")
	c.until("again\r\n")
}

func TestASessionWithoutClientEnds(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(o *session.Options) { o.Idle = 50 * time.Millisecond })
	id, token := s.start(session.Shell, "")
	s.wait(func(i session.Info) bool { return i.Status == session.Terminated })
	if _, _, err := s.dial(id, token).Read(t.Context()); err == nil {
		t.Error("it was opened anyway")
	}
	id, token = s.start(session.Shell, "")
	c, conn := s.client(), s.dial(id, token)
	c.enter(conn)
	c.until("$ ")
	_ = conn.CloseNow()
	s.wait(func(i session.Info) bool { return i.Status == session.Terminated })
}

func TestProgramsThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	for want, test := range map[string]struct {
		kind    session.Kind
		command string
		change  func(*stage)
	}{
		"the machine is not running": {session.Shell, "", func(s *stage) { _ = s.machines.Stop(t.Context(), target) }},
		"unable to start command: create ssm-user": {session.NonInteractive, "true", func(s *stage) {
			_ = s.machines.Stop(t.Context(), target)
		}},
		"failed to parse commands input": {session.NonInteractive, "echo 'x", nil},
		"executable file not found":      {session.NonInteractive, "no-such-program", nil},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			if test.change != nil {
				test.change(s)
			}
			c := s.client()
			c.enter(s.dial(s.start(test.kind, test.command)))
			if output, said := c.until(""); !strings.Contains(said, want) || output != "" {
				t.Errorf("it said %q after %q", said, output)
			}
			info := s.wait(func(i session.Info) bool { return i.Status == session.Failed })
			if !strings.Contains(info.Details, want) {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestTheInterruptKeyEndsACommandWithoutTerminal(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	c := s.client()
	c.enter(s.dial(s.start(session.NonInteractive, `sh -c "echo begun; sleep 1000"`)))
	c.until("begun\n")
	c.send(datachannel.Data, "\x03")
	c.until("")
}

func TestAStoppedMachineEndsItsSessions(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	c := s.client()
	c.enter(s.dial(s.start(session.NonInteractive, `sh -c "echo begun; sleep 1000"`)))
	c.until("begun\n")
	if err := s.machines.Stop(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if _, said := c.until(""); !strings.Contains(said, machine.ErrNotRunning.Error()) {
		t.Errorf("it said %q", said)
	}
}

// userless are machines that record the commands they should run, and run nothing.
type userless struct {
	prepared string // what the preparation prints
	code     int
	mu       sync.Mutex
	commands []machine.Command
}

func (u *userless) Run(_ context.Context, _ string, command machine.Command) (machine.Exit, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.commands = append(u.commands, command)
	if slices.Contains(command.Args, session.PrepareUser) {
		_, err := io.WriteString(command.Stdout, u.prepared)
		return machine.Exit{Code: u.code}, err
	}
	return machine.Exit{}, nil
}

func (u *userless) Open(
	ctx context.Context, instanceID string, command machine.Command, _, _ int,
) (machine.Terminal, error) {
	if _, err := u.Run(ctx, instanceID, command); err != nil {
		return nil, err
	}
	return nil, errors.New("that is all")
}

func TestProgramsRunAsTheUserThatTheMachineHas(t *testing.T) {
	t.Parallel()
	switching := []string{"setpriv", "--reuid=ssm-user", "--regid=ssm-user", "--init-groups", "--"}
	for _, test := range []struct {
		prepared string
		kind     session.Kind
		args     []string
		home     string
	}{
		{"ssm-user\n", session.Shell, append(slices.Clone(switching), "sh"), "HOME=/home/ssm-user"},
		{"ssm-user\n", session.Interactive, append(slices.Clone(switching), "sh", "-c", "a 'b  c'"), "HOME=/home/ssm-user"},
		{"ssm-user\n", session.NonInteractive, append(slices.Clone(switching), "a", "b  c"), "HOME=/home/ssm-user"},
		{"root\n", session.Shell, []string{"sh"}, "HOME=/root"},
	} {
		machines := &userless{prepared: test.prepared}
		s := newStage(t, func(o *session.Options) { o.Machines = machines })
		c := s.client()
		c.enter(s.dial(s.start(test.kind, "a 'b  c'")))
		c.until("")
		last := machines.commands[len(machines.commands)-1]
		if !slices.Equal(last.Args, test.args) || !slices.Contains(last.Env, test.home) ||
			!slices.Contains(last.Env, "TERM=xterm-256color") {
			t.Errorf("ran %q with %q, want %q", last.Args, last.Env, test.args)
		}
	}
	s := newStage(t, func(o *session.Options) { o.Machines = &userless{code: 1} })
	c := s.client()
	c.enter(s.dial(s.start(session.Shell, "")))
	if _, said := c.until(""); !strings.Contains(said, "create ssm-user: exit code 1") {
		t.Errorf("it said %q", said)
	}
}
