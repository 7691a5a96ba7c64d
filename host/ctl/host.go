package ctl

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"webstack/contract"
	"webstack/host/boot"
	"webstack/host/command"
	"webstack/host/connlimit"
	"webstack/host/converge"
	"webstack/host/deploy"
	"webstack/host/docker"
	"webstack/host/firewall"
	"webstack/host/parameters"
	"webstack/host/swap"
)

// pullBackoff is how long to wait before retrying a failed pull.
const pullBackoff = 2 * time.Second

func (c Command) runner() command.Runner {
	if c.Run == nil {
		return command.Exec{}
	}
	return c.Run
}

func (c Command) root() string {
	if c.Root == "" {
		return "/"
	}
	return c.Root
}

// engine returns the host's Docker with the stack's containers.
func (c Command) engine(dir string, credentials docker.Credentials) *docker.Engine {
	return &docker.Engine{
		Runner: c.runner(), Project: contract.ComposeProject, ComposeFile: contract.Paths{StackDir: dir}.Compose(),
		Credentials: credentials, RuntimeDir: "/run", Backoff: pullBackoff,
	}
}

// host returns the real host.
func (c Command) host(ctx context.Context, region, dir string) (converge.Host, error) {
	store, err := parameters.Open(ctx, region)
	if err != nil {
		return converge.Host{}, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithEC2IMDSRegion())
	if err != nil {
		return converge.Host{}, fmt.Errorf("load AWS settings: %w", err)
	}
	engine := c.engine(dir, docker.ECR(cfg))
	return converge.Host{
		Swap: func(ctx context.Context) error {
			return swap.Ensure(ctx, swap.Options{Run: c.runner(), Out: c.Stdout, Root: c.root()})
		},
		Reserve: func(root *os.Root) converge.Reserve {
			return c.reserve(root)
		},
		Boot: func(ctx context.Context) error {
			return boot.Ensure(ctx, boot.Options{StackDir: dir, Run: c.runner(), Root: c.root(), Out: c.Stdout})
		},
		Firewall: func(ctx context.Context, web contract.Web) error {
			return firewall.Ensure(ctx, firewall.Options{Run: c.runner(), Out: c.Stdout, Web: web})
		},
		Tell:       c.tellConverge,
		StackDirs:  engine.ProjectDirs,
		Parameters: store,
		Heal: func(ctx context.Context, root *os.Root, m contract.Manifest) error {
			return deploy.Heal(ctx, root, store, m)
		},
		HealRestore: func(ctx context.Context, root *os.Root, m contract.Manifest) error {
			return c.healRestore(ctx, c.apps(root, m, engine, c.Stdout), m, c.Stdout)
		},
		Containers: func(root *os.Root, m contract.Manifest) converge.Containers {
			return c.apps(root, m, engine, c.Stdout)
		},
		Postgres: c.postgres,
		LimitConnections: func(ctx context.Context, perContainer, total int) error {
			o := connlimit.Options{
				PerContainer: perContainer, Total: total, Run: c.runner(), Root: c.root(), Out: c.Stdout,
			}
			if total > 0 {
				if o.Bridge, err = engine.Bridge(ctx, contract.DatabaseNetwork); err != nil {
					return fmt.Errorf("limit connections to Postgres: %w", err)
				}
			}
			return connlimit.Ensure(ctx, o)
		},
	}, nil
}
