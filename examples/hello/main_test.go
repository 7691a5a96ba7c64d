package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// start serves the app on a free port. stop tells it to end; ended gives what serve returned.
func start(t *testing.T, a *app) (address string, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- a.serve(ctx, listener) }()
	t.Cleanup(stop)
	return listener.Addr().String(), stop, result
}

func TestEndingFinishesRequestsInFlight(t *testing.T) {
	t.Parallel()
	a := &app{log: quiet(), guests: &memory{}}
	address, stop, ended := start(t, a)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// The request's body comes in two parts: the request is in flight until the test sends the second one.
	const body = "name=Ada&message=hello"
	_, err = fmt.Fprintf(conn, "POST /guestbook HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", len(body))
	if err != nil {
		t.Fatal(err)
	}
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	if _, err := io.ReadFull(conn, make([]byte, len(goOn))); err != nil {
		t.Fatal(err)
	}
	stop()
	for !a.ending.Load() {
		select {
		case err := <-ended:
			t.Fatalf("it ended with a request in flight: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 303 ") {
		t.Errorf("the request in flight got %q, %v", answer, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSocketEchoesAndIsToldOfTheEnd(t *testing.T) {
	t.Parallel()
	address, stop, ended := start(t, &app{log: quiet()})
	conn, resp, err := websocket.Dial(t.Context(), "ws://"+address+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello you")); err != nil {
		t.Fatal(err)
	}
	_, text, err := conn.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clock, said, _ := strings.Cut(string(text), " ")
	if _, err := time.Parse(time.RFC3339, clock); err != nil || said != "hello you" {
		t.Errorf("got %q", text)
	}
	stop()
	if _, _, err = conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the end was reported by %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRefusesSettingsItCannotUse(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"PORT":         {"PORT": "http"},
		"DATABASE_URL": {"DATABASE_URL": "postgres://u:s3cret@host:port/db"},
	} {
		err := run(t.Context(), quiet(), func(name string) string { return env[name] })
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	err = run(t.Context(), quiet(), func(name string) string { return map[string]string{"PORT": port}[name] })
	if opErr := (*net.OpError)(nil); !errors.As(err, &opErr) {
		t.Errorf("got %v", err)
	}
}

func TestStartsWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	database, err := openDatabase("postgres://u:p@" + closed.Addr().String() + "/our-db")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	if database.name() != "our-db" {
		t.Errorf("the database's name is %q", database.name())
	}
	a := &app{log: quiet(), guests: database}
	if status, body := ask(t, a, "GET", "/health", ""); status != http.StatusServiceUnavailable {
		t.Errorf("health: %d %s", status, body)
	}
	if status, body := ask(t, a, "GET", "/", ""); status != http.StatusOK || !strings.Contains(body, "does not answer") {
		t.Errorf("page: %d %s", status, body)
	}
}
