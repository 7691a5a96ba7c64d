package render

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answerTo sends a request as it is and returns the answer.
func (s *server) answerTo(t *testing.T, request string) answer {
	t.Helper()
	conn := s.send(t, request)
	if conn == nil {
		t.Fatal("no connection")
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return answer{Response: resp}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{Response: resp, body: string(body)}
}

// In a protocol other than WebSocket an app would get requests as the visitor writes them, including forged headers.
func TestOnlyWebSocketIsPassedOn(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	s.proxyTo(t, "shop", says("shop"))
	for _, headers := range []string{
		"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA",
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: H2C\r\nHTTP2-Settings: AAMA",
		"Connection: Upgrade\r\nUpgrade: TLS/1.2",
		"Connection: Upgrade\r\nUpgrade: websocket, h2c",
		"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\nHTTP2-Settings: AAMA",
		"Connection: Upgrade\r\nUpgrade: WebSocket",
	} {
		got := s.answerTo(t, "GET / HTTP/1.1\r\nHost: shop.example.com\r\n"+headers+"\r\n\r\n")
		var seen struct{ Header http.Header }
		if err := json.Unmarshal([]byte(got.body), &seen); err != nil {
			t.Fatalf("%s: %v", got.body, err)
		}
		want := ""
		if strings.HasSuffix(strings.ToLower(headers), "websocket") || strings.Contains(headers, "Upgrade: websocket\r\n") {
			want = "websocket"
		}
		if got := strings.Join(seen.Header.Values("Upgrade"), "|"); got != want {
			t.Errorf("%q: the app sees Upgrade %q, want %q", headers, got, want)
		}
		if got := seen.Header.Get("Http2-Settings"); got != "" {
			t.Errorf("%q: the app sees HTTP2-Settings %q", headers, got)
		}
	}
}

// A body that cannot be read is not the app's fault.
func TestMalformedUploads(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	for _, chunks := range []string{"3;\nxx\r\nabc\r\n0\r\n\r\n", "zz\r\n", "3\r\nabcdef\r\n0\r\n\r\n", "fffffffffffffffff\r\nabc"} {
		got := s.answerTo(t, "POST / HTTP/1.1\r\nHost: shop.example.com\r\nTransfer-Encoding: chunked\r\n\r\n"+chunks)
		if got.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: got %s", chunks, got.Status)
		}
		if server := got.Header.Get("Server"); server != "" {
			t.Errorf("%q: the answer is from %s", chunks, server)
		}
		if got.Header.Get("Retry-After") != "" || strings.Contains(got.body, "is not responding") {
			t.Errorf("%q: the answer looks like an outage: %v %s", chunks, got.Header, got.body)
		}
	}
}
