package datachannel

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// window is how many messages may be under way that are not acknowledged yet, backlog how many that came are kept for
	// the program to take. What goes beyond that is not acknowledged, and comes again.
	window  = 256
	backlog = 1024
	// resendFirst is how long an acknowledgement is waited for; twice as long each time, but never longer than resendMost.
	resendFirst = 250 * time.Millisecond
	resendMost  = 2 * time.Second
)

// Stream is one end of a data channel. What is sent comes out at the other end in the same order and once, over one
// WebSocket after the other: see Run. It is safe for concurrent use.
type Stream struct {
	sends, receives string

	mu       sync.Mutex
	changed  chan struct{} // closed at each change of what is below
	next     int64         // the number of the next message to send
	unacked  []*sent       // the oldest first
	expected int64         // the number of the next message to come
	early    map[int64]Message
	inbox    []Message
	acks     [][]byte // to send before anything else; by the writer, so that the reader never has to wait
	farewell []byte   // what to send when all else has come
	closed   *ClosedError
}

// sent is a message that has not been acknowledged.
type sent struct {
	sequence int64
	text     []byte
	due      time.Time
	attempts int
}

// ClosedError says that the other end has closed the channel.
type ClosedError struct {
	// Output is what it had to say; "" when the session just came to its end.
	Output string
}

func (e *ClosedError) Error() string {
	if e.Output == "" {
		return "the session has ended"
	}
	return "the session has ended: " + e.Output
}

// NewStream makes the end that sends messages of one type and receives those of another, Input and Output.
func NewStream(sends, receives string) *Stream {
	return &Stream{sends: sends, receives: receives, changed: make(chan struct{}), early: map[int64]Message{}}
}

// change wakes up who waits; the caller holds the lock.
func (s *Stream) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// lockWhen takes the lock once what is waited for has come about. Without error, the caller has to unlock.
func (s *Stream) lockWhen(ctx context.Context, ready func() bool) error {
	for {
		s.mu.Lock()
		if ready() {
			return nil
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Send sends a message. It waits while too many are under way, and not for this one to arrive. The payload must not be
// changed any more.
func (s *Stream) Send(ctx context.Context, kind Kind, payload []byte) error {
	if err := s.lockWhen(ctx, func() bool { return s.closed != nil || len(s.unacked) < window }); err != nil {
		return fmt.Errorf("send on the data channel: %w", err)
	}
	defer s.mu.Unlock()
	if s.closed != nil {
		return s.closed
	}
	s.unacked = append(s.unacked, &sent{sequence: s.next, text: newMessage(s.sends, s.next, kind, payload).Encode()})
	s.next++
	s.change()
	return nil
}

// Receive returns the next message. When the other end has closed the channel, and nothing is left to receive, the error
// is a ClosedError.
func (s *Stream) Receive(ctx context.Context) (Message, error) {
	if err := s.lockWhen(ctx, func() bool { return s.closed != nil || len(s.inbox) > 0 }); err != nil {
		return Message{}, fmt.Errorf("receive from the data channel: %w", err)
	}
	defer s.mu.Unlock()
	if len(s.inbox) == 0 {
		return Message{}, s.closed
	}
	m := s.inbox[0]
	s.inbox = s.inbox[1:]
	return m, nil
}

// Close tells the other end, after all that was sent, that the session has ended, and why if that is not plain. It waits
// until that is on its way or ctx ends. Run then returns.
func (s *Stream) Close(ctx context.Context, session, output string) error {
	id := newUUID()
	m := newMessage(Closed, 0, 0, nil)
	m.ID, m.Payload = id, JSON(closing{
		MessageID: uuidText(id), CreatedDate: fmt.Sprint(m.Created), SessionID: session, MessageType: Closed,
		SchemaVersion: 1, Output: output,
	})
	s.mu.Lock()
	s.farewell = m.Encode()
	s.change()
	s.mu.Unlock()
	if err := s.lockWhen(ctx, func() bool { return s.closed != nil }); err != nil {
		return fmt.Errorf("close the data channel: %w", err)
	}
	s.mu.Unlock()
	return nil
}

// took takes a message of the other end's stream and has it acknowledged, unless there is no room.
func (s *Stream) took(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Sequence >= s.expected+int64(backlog-len(s.inbox)) || len(s.acks) >= backlog {
		return
	}
	s.acks = append(s.acks, acknowledge(m).Encode())
	if m.Sequence >= s.expected { // else it came before, and the acknowledgement did not
		s.early[m.Sequence] = m
	}
	for {
		m, ok := s.early[s.expected]
		if !ok {
			break
		}
		delete(s.early, s.expected)
		s.inbox = append(s.inbox, m)
		s.expected++
	}
	s.change()
}

func acknowledge(m Message) Message {
	a := newMessage(Acknowledge, 0, 0, JSON(acknowledgement{
		Type: m.Type, ID: uuidText(m.ID), Sequence: m.Sequence, Sequential: true,
	}))
	a.Flags = 3
	return a
}

// acknowledged forgets a message that has arrived.
func (s *Stream) acknowledged(sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unacked = slices.DeleteFunc(s.unacked, func(m *sent) bool { return m.sequence == sequence })
	s.change()
}

// wasClosed ends the stream.
func (s *Stream) wasClosed(output string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed == nil {
		s.closed = &ClosedError{output}
		s.change()
	}
}

// over tells whether the channel is closed.
func (s *Stream) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed != nil
}

// anew makes everything due that has not been acknowledged: it is not known what arrived of what an earlier WebSocket
// took.
func (s *Stream) anew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acks = nil // what they are for comes again
	for _, m := range s.unacked {
		m.due, m.attempts = time.Time{}, 0
	}
}

// work is what a writer has to do next: write the text, or wait for a change, and no longer than that.
type work struct {
	text    []byte
	last    bool // nothing follows the text
	changed <-chan struct{}
	wait    time.Duration
}

// todo finds what is due.
func (s *Stream) todo(now time.Time) work {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.acks) > 0 {
		text := s.acks[0]
		s.acks = s.acks[1:]
		return work{text: text}
	}
	if len(s.unacked) == 0 && s.farewell != nil {
		return work{text: s.farewell, last: true}
	}
	wait := time.Hour
	for _, m := range s.unacked {
		if left := m.due.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		m.due = now.Add(min(resendFirst<<min(m.attempts, 8), resendMost))
		m.attempts++
		return work{text: m.text}
	}
	return work{changed: s.changed, wait: wait}
}
