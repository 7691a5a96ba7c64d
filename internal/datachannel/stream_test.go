package datachannel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// line is a way between two ends that can be made to lose what goes over it.
type line struct {
	t       *testing.T
	service *Stream
	client  *Stream
	url     string
	// lose tells whether to lose a message.
	lose func(Message) bool
	cut  atomic.Int64 // after how many messages a WebSocket breaks; 0 for never
}

// connect makes a line. The WebSockets of the client end at a relay, which loses messages.
func connect(t *testing.T, lose func(Message) bool) *line {
	t.Helper()
	l := &line{t: t, service: NewStream(Output, Input), client: NewStream(Input, Output), lose: lose}
	service := httptest.NewServer(l.handle(func(ctx context.Context, conn *websocket.Conn) {
		_ = l.service.Run(ctx, conn)
	}))
	t.Cleanup(service.Close)
	relay := httptest.NewServer(l.handle(func(ctx context.Context, conn *websocket.Conn) {
		l.relay(ctx, conn, service.URL)
	}))
	t.Cleanup(relay.Close)
	l.url = relay.URL
	return l
}

func dial(ctx context.Context, url string) (*websocket.Conn, error) {
	conn, response, err := websocket.Dial(ctx, url, nil)
	if response != nil && response.Body != nil {
		_ = response.Body.Close()
	}
	return conn, err
}

func (l *line) handle(use func(context.Context, *websocket.Conn)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			l.t.Error(err)
			return
		}
		defer func() { _ = conn.CloseNow() }()
		use(r.Context(), conn)
	})
}

func (l *line) relay(ctx context.Context, client *websocket.Conn, url string) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	service, err := dial(ctx, url)
	if err != nil {
		l.t.Error(err)
		return
	}
	defer func() { _ = service.CloseNow() }()
	ended := make(chan struct{}, 2)
	count := l.cut.Load()
	pass := func(from, to *websocket.Conn) {
		defer func() { ended <- struct{}{} }()
		for i := int64(0); count == 0 || i < count; i++ {
			_, text, err := from.Read(ctx)
			if err != nil {
				_ = to.Close(websocket.StatusNormalClosure, "")
				return
			}
			m, err := Decode(text)
			if err != nil {
				l.t.Error(err)
				return
			}
			if m.Type != Closed && l.lose(m) {
				continue
			}
			if to.Write(ctx, websocket.MessageBinary, text) != nil {
				return
			}
		}
	}
	go pass(client, service)
	go pass(service, client)
	<-ended
	if count > 0 {
		stop()
	}
	<-ended
}

// keep lets the client have one WebSocket after the other until the channel is closed.
func (l *line) keep() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for l.t.Context().Err() == nil {
			conn, err := dial(l.t.Context(), l.url)
			if err != nil {
				l.t.Error(err)
				return
			}
			err = l.client.Run(l.t.Context(), conn)
			_ = conn.CloseNow()
			if err == nil {
				return
			}
		}
	}()
	return done
}

// transfer sends messages both ways and checks that they come once each, in order.
func (l *line) transfer(count int) {
	l.t.Helper()
	done := l.keep()
	ctx, stop := context.WithTimeout(l.t.Context(), time.Minute)
	defer stop()
	sent := make(chan error, 2)
	for _, from := range []*Stream{l.service, l.client} {
		go func() {
			for i := range count {
				if err := from.Send(ctx, Data, fmt.Append(nil, i)); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
	}
	for _, to := range []*Stream{l.client, l.service} {
		for i := range count {
			m, err := to.Receive(ctx)
			if err != nil || string(m.Payload) != fmt.Sprint(i) || m.Kind != Data {
				l.t.Fatalf("received %q of kind %d, %v, want %d", m.Payload, m.Kind, err, i)
			}
		}
	}
	for range 2 {
		if err := <-sent; err != nil {
			l.t.Fatal(err)
		}
	}
	l.cut.Store(0)
	if err := l.service.Close(ctx, "id", "bye"); err != nil {
		l.t.Fatal(err)
	}
	_, err := l.client.Receive(ctx)
	var closed *ClosedError
	if !errors.As(err, &closed) || closed.Output != "bye" {
		l.t.Errorf("after the end: %v", err)
	}
	if err := l.client.Send(ctx, Data, []byte("x")); !errors.As(err, &closed) {
		l.t.Errorf("sent after the end: %v", err)
	}
	<-done
}

func TestMessagesComeOnceAndInOrder(t *testing.T) {
	t.Parallel()
	connect(t, func(Message) bool { return false }).transfer(5000)
}

func TestLostMessagesAreSentAgain(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{Input, Output, Acknowledge} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			connect(t, func(m Message) bool { return m.Type == lost && rand.IntN(5) == 0 }).transfer(200)
		})
	}
}

func TestBrokenConnectionsLoseNothing(t *testing.T) {
	t.Parallel()
	l := connect(t, func(Message) bool { return false })
	l.cut.Store(2 * window) // after fewer, acknowledgements may never come
	l.transfer(2000)
}

func TestTheSlowHoldUpTheFast(t *testing.T) {
	t.Parallel()
	l := connect(t, func(Message) bool { return false })
	l.keep()
	ctx, stop := context.WithCancel(t.Context())
	var sent atomic.Int64
	go func() {
		for l.service.Send(ctx, Data, []byte("x")) == nil {
			sent.Add(1)
		}
	}()
	for deadline := time.Now().Add(time.Minute); sent.Load() < backlog; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d messages were taken", sent.Load())
		}
	}
	// Nobody receives, so no more is taken than both ends may hold.
	for range 50 {
		time.Sleep(time.Millisecond)
		if n := sent.Load(); n > window+backlog {
			t.Fatalf("%d messages were taken that nobody receives", n)
		}
	}
	for range window + backlog + 10 {
		if _, err := l.client.Receive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	_, err := l.client.Receive(ctx)
	for err == nil {
		_, err = l.client.Receive(ctx) // what has come before the end is still received
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
