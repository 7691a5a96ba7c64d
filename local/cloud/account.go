package cloud

import (
	"context"

	"webstack/local/provider"
	"webstack/local/workdir"
)

func account(ctx context.Context, dir workdir.Dir, p *parts, info *Info, journal *provider.Journal) error {
	return nil
}
