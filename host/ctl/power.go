package ctl

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"

	"webstack/contract"
	"webstack/host/firewall"
)

// power parses the arguments of up and down.
func power(name string, args []string) (dir string, err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	stack := stackDir(flags)
	if err := parse(flags, args); err != nil {
		return "", err
	}
	return *stack, checkStackDir(*stack)
}

// up restores what a boot has reset. The containers start on their own.
func (c Command) up(ctx context.Context, args []string) error {
	dir, err := power("up", args)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(contract.Paths{StackDir: dir}.Manifest())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the first run of converge does it
	}
	if err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	manifest, err := contract.DecodeManifest(text)
	if err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	return firewall.Ensure(ctx, firewall.Options{Run: c.runner(), Out: c.Stdout, Web: manifest.Web})
}

// down stops the apps' containers and then those that the apps need. Each has its own grace period.
func (c Command) down(ctx context.Context, args []string) error {
	dir, err := power("down", args)
	if err != nil {
		return err
	}
	engine := c.engine(dir, nil)
	all, err := engine.Containers(ctx)
	if err != nil {
		return err
	}
	var apps, base []string
	for _, found := range all {
		switch {
		case !found.Running():
		case found.Service == contract.CaddyService || found.Service == contract.PostgresService:
			base = append(base, found.ID)
		default:
			apps = append(apps, found.ID)
		}
	}
	return errors.Join(engine.Stop(ctx, apps...), engine.Stop(ctx, base...))
}
