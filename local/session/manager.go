package session

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"webstack/local/machine"
)

// Kind is the kind of a session, by the name that clients use.
type Kind string

// The kinds of sessions.
const (
	// Shell is a login: a shell with a terminal.
	Shell Kind = "Standard_Stream"
	// Interactive is one command with a terminal, given to a shell.
	Interactive Kind = "InteractiveCommands"
	// NonInteractive is one program with its arguments, without a terminal or input.
	NonInteractive Kind = "NonInteractiveCommands"
)

// Status is the status of a session.
type Status string

// The statuses of sessions.
const (
	Connecting Status = "Connecting"
	Connected  Status = "Connected"
	Terminated Status = "Terminated"
	Failed     Status = "Failed"
)

// ErrUnknown means that there is no such session.
var ErrUnknown = errors.New("no such session")

const (
	// DefaultIdle is how long a session waits for a client, as on AWS.
	DefaultIdle = 20 * time.Minute
	// kept is how many ended sessions are remembered.
	kept = 1000
)

// Machines is the part of machine.Machines that sessions need.
type Machines interface {
	Run(ctx context.Context, instanceID string, command machine.Command) (machine.Exit, error)
	Open(ctx context.Context, instanceID string, command machine.Command, rows, cols int) (machine.Terminal, error)
}

// Options are the settings of a Manager.
type Options struct {
	// Machines run the programs.
	Machines Machines
	// Idle is how long a session waits for a client; 0 means DefaultIdle.
	Idle time.Duration
}

// Manager keeps sessions. It is safe for concurrent use.
type Manager struct {
	machines Machines
	idle     time.Duration
	runs     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	sessions map[string]*session // by id
	order    []*session          // the oldest first
}

// New makes a manager.
func New(o Options) *Manager {
	if o.Idle == 0 {
		o.Idle = DefaultIdle
	}
	return &Manager{machines: o.Machines, idle: o.Idle, sessions: map[string]*session{}}
}

// Spec describes a new session.
type Spec struct {
	// Target is the instance's id. Owner is the ARN of the caller who starts the session.
	Target, Owner string
	// Document is the name of the document, Reason is why the session is started; both are only shown.
	Document, Reason string
	Kind             Kind
	// Command is what to run; "" for a Shell.
	Command string
}

// Info describes a session.
type Info struct {
	ID string
	Spec
	Status Status
	// Started and Ended are the times; Ended is zero before the end.
	Started, Ended time.Time
	// Details say why a session failed.
	Details string
}

// Start creates a session, which waits for a client with the token.
func (m *Manager) Start(spec Spec) (id, token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	owner := spec.Owner[strings.LastIndexAny(spec.Owner, ":/")+1:] // of a user, or of a role's session
	s := newSession(m, Info{
		ID: owner + "-" + secret()[:17], Spec: spec, Status: Connecting, Started: time.Now(),
	})
	m.sessions[s.info.ID] = s
	m.order = append(m.order, s)
	m.forget()
	if m.closed {
		s.stop()
		s.end()
	} else {
		m.runs.Go(s.run)
	}
	return s.info.ID, s.newToken()
}

// forget drops the oldest sessions that have ended, when there are many; the caller holds the lock.
func (m *Manager) forget() {
	for i := 0; len(m.order) > kept && i < len(m.order); {
		s := m.order[i]
		if s.ctx.Err() == nil {
			i++
			continue
		}
		delete(m.sessions, s.info.ID)
		m.order = slices.Delete(m.order, i, i+1)
	}
}

// Resume returns a new token for a session; "" if the session has ended.
func (m *Manager) Resume(id string) (token string, err error) {
	s, err := m.session(id)
	if err != nil || s.ctx.Err() != nil {
		return "", err
	}
	return s.newToken(), nil
}

// Terminate ends a session. It is not an error if the session has already ended.
func (m *Manager) Terminate(id string) error {
	s, err := m.session(id)
	if err == nil {
		s.stop()
	}
	return err
}

// List returns all sessions, the newest first.
func (m *Manager) List() []Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Info, 0, len(m.order))
	for _, s := range slices.Backward(m.order) {
		list = append(list, s.show())
	}
	return list
}

// Close ends all sessions and waits until they have ended.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	for _, s := range m.order {
		s.stop()
	}
	m.mu.Unlock()
	m.runs.Wait()
}

func (m *Manager) session(id string) (*session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	if !ok {
		return nil, ErrUnknown
	}
	return s, nil
}

// secret returns a random text of lower case letters and digits that cannot be guessed.
func secret() string {
	data := make([]byte, 25)
	_, _ = rand.Read(data) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(data))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
