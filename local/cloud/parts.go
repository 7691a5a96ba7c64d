package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"webstack/local/guard"
)

// drain is how long a part may take to finish its work when the laptop cloud stops.
const drain = 5 * time.Second

// parts are the running parts. They are started one after the other and stopped in the opposite order.
type parts struct {
	running []*part
	// ended receives a part that ended although nobody stopped it.
	ended chan error
}

type part struct {
	name string
	stop context.CancelFunc
	done chan error
}

func newParts() *parts { return &parts{ended: make(chan error, 1)} }

// start runs a part until its context ends. A part that ends earlier, with or without an error, stops the laptop cloud.
func (p *parts) start(name string, run func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	started := &part{name: name, stop: cancel, done: make(chan error, 1)}
	p.running = append(p.running, started)
	go func() {
		err := run(ctx)
		if ctx.Err() == nil {
			if err == nil {
				err = errors.New("it ended on its own")
			}
			select {
			case p.ended <- fmt.Errorf("run %s: %w", name, err):
			default: // another part ended first and is the cause
			}
		}
		started.done <- err
	}()
}

// serveHTTP starts a part that answers HTTP on a port of its own and returns the port. It rejects web pages.
func (p *parts) serveHTTP(name string, handler http.Handler) (port int, err error) {
	return p.serve(name, &http.Server{Handler: guard.NoNames(handler), ReadHeaderTimeout: time.Minute})
}

// serveTLS is serveHTTP over TLS, for a handler that knows which host names it answers for.
func (p *parts) serveTLS(name string, handler http.Handler, config *tls.Config) (port int, err error) {
	return p.serve(name, &http.Server{Handler: guard.NoPages(handler), ReadHeaderTimeout: time.Minute, TLSConfig: config})
}

func (p *parts) serve(name string, server *http.Server) (port int, err error) {
	listener, err := listen()
	if err != nil {
		return 0, err
	}
	p.start(name, func(ctx context.Context) error {
		stopped := make(chan error, 1)
		stop := context.AfterFunc(ctx, func() {
			patience, cancel := context.WithTimeout(context.Background(), drain)
			defer cancel()
			err := server.Shutdown(patience)
			if err != nil {
				err = server.Close()
			}
			stopped <- err
		})
		var err error
		if server.TLSConfig != nil {
			err = server.ServeTLS(listener, "", "")
		} else {
			err = server.Serve(listener)
		}
		if stop() {
			return err
		}
		return <-stopped
	})
	return portOf(listener), nil
}

// serveGRPC starts a part that answers gRPC on a port of its own and returns the port. Engines cannot present a key, so
// it answers only those of this program's user.
func (p *parts) serveGRPC(name string, serve func(context.Context, net.Listener) error) (port int, err error) {
	listener, err := listen()
	if err != nil {
		return 0, err
	}
	p.start(name, func(ctx context.Context) error { return serve(ctx, guard.OwnUser(listener)) })
	return portOf(listener), nil
}

// stop stops all parts, the newest first, and returns all errors.
func (p *parts) stop() error {
	var problems []error
	for i := len(p.running) - 1; i >= 0; i-- {
		stopped := p.running[i]
		stopped.stop()
		if err := <-stopped.done; err != nil && !errors.Is(err, context.Canceled) {
			problems = append(problems, fmt.Errorf("stop %s: %w", stopped.name, err))
		}
	}
	p.running = nil
	return errors.Join(problems...)
}

func listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen on a free port: %w", err)
	}
	return listener, nil
}

func portOf(listener net.Listener) int { return listener.Addr().(*net.TCPAddr).Port }
