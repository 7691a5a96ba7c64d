package ctl

import (
	"context"
	"flag"
	"fmt"

	"webstack/contract"
	"webstack/host/artifacts"
	"webstack/host/converge"
)

func (c Command) converge(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("converge", flag.ContinueOnError)
	id := flags.String("volume", "", "")
	bucket := flags.String("bucket", "", "")
	sum := flags.String("manifest-sha256", "", "")
	region := flags.String("region", "", "")
	dir := stackDir(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	if err := checkVolume(*id); err != nil {
		return err
	}
	if err := contract.CheckBucket(*bucket); err != nil {
		return fmt.Errorf("--bucket: %w: %w", err, errUsage)
	}
	if err := contract.CheckSHA256(*sum); err != nil {
		return fmt.Errorf("--manifest-sha256: %w: %w", err, errUsage)
	}
	if err := checkStackDir(*dir); err != nil {
		return err
	}
	store, err := artifacts.Open(ctx, *region, *bucket)
	if err != nil {
		return err
	}
	host, err := c.host(ctx, *region, *dir)
	if err != nil {
		return err
	}
	host.Mount = func(ctx context.Context) error { return c.ensureVolume(ctx, *id, *dir, volumeWait) }
	return converge.Run(ctx, converge.Options{
		Store: store, ManifestSHA256: *sum, StackDir: *dir, Host: host, Out: c.Stdout,
	})
}
