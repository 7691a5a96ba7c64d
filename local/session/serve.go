package session

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"webstack/internal/datachannel"
)

// Path is where data channels are; the session's id follows.
const Path = "/v1/data-channel/"

// openTime is how long a client may take to send its token.
const openTime = 10 * time.Second

// ServeHTTP connects a client to its session over a WebSocket. The client's first message is its token.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, err := m.session(strings.TrimPrefix(r.URL.Path, Path))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the client has been told
	}
	defer func() { _ = conn.CloseNow() }()
	ctx, leave, ok := s.enter(r.Context(), readToken(r.Context(), conn))
	if !ok {
		_ = conn.Close(websocket.StatusPolicyViolation, "the token is not the session's, or has been used")
		return
	}
	defer leave()
	_ = s.stream.Run(ctx, conn) // a client that is gone may come back
}

// readToken reads a client's first message; "" means no token.
func readToken(ctx context.Context, conn *websocket.Conn) string {
	ctx, stop := context.WithTimeout(ctx, openTime)
	defer stop()
	_, text, err := conn.Read(ctx)
	var in datachannel.OpenInput
	if err != nil || json.Unmarshal(text, &in) != nil {
		return ""
	}
	return in.TokenValue
}
