package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"webstack/internal/datachannel"
)

const (
	// farewellTime is how long a client may take to read the rest of the output.
	farewellTime = 10 * time.Second
	// handshakeTime is how long a client may take to answer.
	handshakeTime = 15 * time.Second
	// agentVersion is the version that clients are told; it tells them what they may send.
	agentVersion = "3.3.3050.0"
)

// session is one session.
type session struct {
	manager *Manager
	stream  *datachannel.Stream
	ctx     context.Context // until the session has to end
	stop    context.CancelFunc
	arrived chan struct{} // closed when the first client is connected
	absent  *time.Timer   // ends the session unless a client connects

	mu    sync.Mutex
	info  Info
	token string // "" once it has been used
	// leave ends the connection of the current client; left is closed when it has ended.
	leave context.CancelFunc
	left  chan struct{}
}

func newSession(m *Manager, info Info) *session {
	s := &session{
		manager: m, info: info, stream: datachannel.NewStream(datachannel.Output, datachannel.Input),
		arrived: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.absent = time.AfterFunc(m.idle, s.stop)
	return s
}

func (s *session) newToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = secret()
	return s.token
}

func (s *session) show() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// enter connects a client that has the token, and replaces the previous one. The context is for its connection; leave
// has to be called at its end.
func (s *session) enter(ctx context.Context, token string) (connection context.Context, leave func(), ok bool) {
	s.mu.Lock()
	if s.token == "" || !same(token, s.token) || s.ctx.Err() != nil {
		s.mu.Unlock()
		return nil, nil, false
	}
	s.token = ""
	earlierLeave, earlierLeft := s.leave, s.left
	connection, cancel := context.WithCancel(ctx)
	left := make(chan struct{})
	s.leave, s.left = cancel, left
	if s.info.Status == Connecting {
		s.info.Status = Connected
		close(s.arrived)
	}
	s.mu.Unlock()
	if earlierLeave != nil {
		earlierLeave()
		<-earlierLeft
	}
	s.absent.Stop()
	return connection, func() {
		cancel()
		s.absent.Reset(s.manager.idle)
		close(left)
	}, true
}

// run runs the session from start to end.
func (s *session) run() {
	defer s.end()
	select {
	case <-s.arrived:
	case <-s.ctx.Done():
		return
	}
	err := s.work(s.ctx)
	patience := farewellTime
	if s.ctx.Err() != nil {
		err, patience = nil, farewellTime/10 // it was terminated
	}
	why := ""
	if err != nil {
		why = err.Error()
		s.mu.Lock()
		s.info.Details = why
		s.mu.Unlock()
	}
	saying, done := context.WithTimeout(context.Background(), patience)
	defer done()
	_ = s.stream.Close(saying, s.info.ID, why) // a client that does not listen is gone
}

// end marks the session as ended, and disconnects a client that has not listened.
func (s *session) end() {
	s.stop()
	s.absent.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.Status, s.info.Ended = Terminated, time.Now()
	if s.info.Details != "" {
		s.info.Status = Failed
	}
	if s.leave != nil {
		s.leave()
	}
}

// work does the handshake and then runs the session's program.
func (s *session) work(ctx context.Context) error {
	if err := s.handshake(ctx); err != nil {
		return err
	}
	if s.info.Kind == NonInteractive {
		return s.command(ctx)
	}
	return s.terminal(ctx)
}

// handshake tells the client what kind of session this is.
func (s *session) handshake(ctx context.Context) error {
	begun := time.Now()
	ctx, stop := context.WithTimeoutCause(ctx, handshakeTime, errors.New("the client did not answer"))
	defer stop()
	request := datachannel.Handshake{AgentVersion: agentVersion, RequestedClientActions: []datachannel.Action{{
		ActionType:       datachannel.ActionSessionType,
		ActionParameters: datachannel.JSON(datachannel.SessionType{SessionType: string(s.info.Kind)}),
	}}}
	if err := s.stream.Send(ctx, datachannel.HandshakeRequest, datachannel.JSON(request)); err != nil {
		return err
	}
	for {
		m, err := s.stream.Receive(ctx)
		if err != nil {
			return fmt.Errorf("shake hands: %w", errors.Join(err, context.Cause(ctx)))
		}
		if m.Kind != datachannel.HandshakeResponse {
			continue // as the agent does
		}
		var answer datachannel.HandshakeAnswer
		if err := m.Read(&answer); err != nil {
			return err
		}
		for _, action := range answer.ProcessedClientActions {
			if action.ActionStatus != datachannel.ActionSuccess {
				return fmt.Errorf("shake hands: %s failed on the client: %s", action.ActionType, action.Error)
			}
		}
		return s.stream.Send(ctx, datachannel.HandshakeComplete,
			datachannel.JSON(datachannel.HandshakeDone{HandshakeTimeToComplete: time.Since(begun)}))
	}
}
