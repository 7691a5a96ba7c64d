package cloud

import (
	"context"

	"webstack/local/engine"
	"webstack/local/provider"
	"webstack/local/workdir"
)

func account(ctx context.Context, dir workdir.Dir, p *parts, info *Info, journal *provider.Journal) error {
	return nil
}

// Prepare makes sure that everything the laptop cloud needs is installed.
func Prepare(ctx context.Context, dir workdir.Dir, step engine.Step) error { return nil }
