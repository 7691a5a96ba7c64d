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
	// farewellTime is how long a client is given to take the rest of the output.
	farewellTime = 10 * time.Second
	// handshakeTime is how long a client may take to answer.
	handshakeTime = 15 * time.Second
	// agentVersion is what clients are told; by it they know what they may send.
	agentVersion = "3.3.3050.0"
)

// session is one session.
type session struct {
	manager *Manager
	stream  *datachannel.Stream
	ctx     context.Context // until the session has to end
	stop    context.CancelFunc
	arrived chan struct{} // closed when the first client is there
	absent  *time.Timer   // ends the session unless a client comes

	mu    sync.Mutex
	info  Info
	token string // "" once it was used
	// leave ends the connection of the client that is there; left is closed when it has.
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

// enter takes a client that has the token, in place of the one that was there. The context is for its connection; leave
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

// run is the session's life.
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
		err, patience = nil, farewellTime/10 // somebody wanted it to end
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
	_ = s.stream.Close(saying, s.info.ID, why) // a client that does not listen has gone
}

// end marks the session as over, and drops a client that has not listened.
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

// work begins with the handshake and then does what the session is for.
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
	ctx, stop := context.WithTimeoutCause(ctx, handshakeTime, errors.New("the client does not answer"))
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
