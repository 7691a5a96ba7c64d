package langhost

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// engine is the engine that requested a run; the program's output goes to it.
type engine struct {
	client pulumirpc.EngineClient
}

func dialEngine(address string) (*engine, func(), error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the engine: %w", err)
	}
	return &engine{client: pulumirpc.NewEngineClient(conn)}, func() { _ = conn.Close() }, nil
}

func (e *engine) info(ctx context.Context, message string) {
	e.log(ctx, pulumirpc.LogSeverity_INFO, message)
}

func (e *engine) error(ctx context.Context, message string) {
	e.log(ctx, pulumirpc.LogSeverity_ERROR, message)
}

// log drops the message if the engine is gone, because then nobody can read it.
func (e *engine) log(ctx context.Context, severity pulumirpc.LogSeverity, message string) {
	_, _ = e.client.Log(ctx, &pulumirpc.LogRequest{Severity: severity, Message: message})
}

// writer returns a writer that sends each whole line to the engine.
func (e *engine) writer(ctx context.Context) *lineWriter {
	return &lineWriter{send: func(line string) { e.info(ctx, line) }}
}

// lineWriter splits what is written to it into lines.
type lineWriter struct {
	send func(line string)
	mu   sync.Mutex
	rest []byte
}

func (w *lineWriter) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, data...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(data), nil
		}
		w.send(string(bytes.TrimRight(line, "\r")))
		w.rest = rest
	}
}

// flush sends the last line, which may have no line break.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.send(string(w.rest))
	}
	w.rest = nil
}
