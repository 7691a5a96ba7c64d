package ctl

import (
	"context"
	"flag"
	"fmt"
	"regexp"

	"webstack/host/artifacts"
	"webstack/host/converge"
)

var (
	bucketRE = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	sumRE    = regexp.MustCompile(`^[0-9a-f]{64}$`)
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
	switch {
	case !bucketRE.MatchString(*bucket):
		return fmt.Errorf("--bucket %q is no name of a bucket: %w", *bucket, errUsage)
	case !sumRE.MatchString(*sum):
		return fmt.Errorf("--manifest-sha256 %q is not 64 lower case hexadecimal digits: %w", *sum, errUsage)
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
