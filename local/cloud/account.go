package cloud

import (
	"context"
	"net"

	"webstack/local/engine"
	"webstack/local/langhost"
	"webstack/local/provider"
	"webstack/local/workdir"
)

// account starts everything that the laptop cloud consists of.
func account(_ context.Context, dir workdir.Dir, p *parts, info *Info, _ *provider.Journal) (err error) {
	info.LanguageHost, err = p.serveGRPC("the Go language host", func(ctx context.Context, l net.Listener) error {
		return langhost.Serve(ctx, l, dir.Build())
	})
	return err
}

// Prepare makes sure that everything the laptop cloud needs is installed.
func Prepare(context.Context, workdir.Dir, engine.Step) error { return nil }
