// Command hello is a small web app that shows what an app on a Webstack server has: a database of its own, a health
// check, WebSockets, and a graceful shutdown.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// version is set at build time: go build -ldflags "-X main.version=1.2.3". The environment variable VERSION overrides
// it.
var version = "dev"

// drain is how long requests in flight may take once the program is told to stop. Docker kills it after 30 seconds.
const drain = 25 * time.Second

func main() {
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, log, os.Getenv); err != nil {
		log.Error("hello stopped", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends and every request in flight is answered.
func run(ctx context.Context, log *slog.Logger, env func(string) string) error {
	port, err := strconv.ParseUint(cmp.Or(env("PORT"), "8080"), 10, 16)
	if err != nil {
		return fmt.Errorf("read PORT: %w; give a number up to 65535", err)
	}
	app := &app{
		log: log, title: env("SITE_TITLE"), version: cmp.Or(env("VERSION"), version), healthPath: env("WEBSTACK_HEALTH_PATH"),
	}
	if url := env("DATABASE_URL"); url != "" {
		database, err := openDatabase(url)
		if err != nil {
			return err
		}
		defer database.Close()
		app.guests, app.title = database, cmp.Or(app.title, database.name())
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	log.Info("hello serves", "version", app.version, "address", listener.Addr().String(), "database", app.guests != nil)
	return app.serve(ctx, listener)
}

// serve answers on the listener until ctx ends, then lets requests in flight finish.
func (a *app) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	a.log.Info("hello is stopping; requests in flight are finished first")
	a.ending.Store(true)
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		a.sockets.closeAll()
	}()
	err := server.Shutdown(patience)
	if err != nil {
		err = errors.Join(fmt.Errorf("finish requests in flight: %w", err), server.Close())
	}
	<-closed
	return err
}
