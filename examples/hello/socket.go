package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	maxFrame   = 4 << 10
	socketIdle = time.Hour // a connection that is silent for this long is closed
)

// sockets are the open WebSockets, which a server's shutdown ignores.
type sockets struct {
	mu   sync.Mutex
	open map[*websocket.Conn]struct{}
}

func (s *sockets) add(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*websocket.Conn]struct{}{}
	}
	s.open[conn] = struct{}{}
}

func (s *sockets) remove(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}

// closeAll tells every client that the server is going away, so that it reconnects. A client that does not answer
// delays it for a few seconds.
func (s *sockets) closeAll() {
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	var told sync.WaitGroup
	for _, conn := range open {
		told.Go(func() { _ = conn.Close(websocket.StatusGoingAway, "the server ends") })
	}
	told.Wait()
}

// socket sends every text back, with the time in front.
func (a *app) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxFrame)
	a.sockets.add(conn)
	defer a.sockets.remove(conn)
	for a.echo(r.Context(), conn) == nil {
	}
}

func (a *app) echo(ctx context.Context, conn *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, socketIdle)
	defer cancel()
	kind, text, err := conn.Read(ctx)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if kind != websocket.MessageText {
		return conn.Close(websocket.StatusUnsupportedData, "send text")
	}
	answer := fmt.Appendf(nil, "%s %s", time.Now().UTC().Format(time.RFC3339), text)
	if err := conn.Write(ctx, websocket.MessageText, answer); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
