package ctl

import (
	"context"
	"flag"
	"fmt"
	"time"

	"webstack/contract"
	"webstack/host/volume"
)

// volumeWait is how long a volume may take to appear. A new host boots while the old one is still stopping, which may
// take EC2 ten minutes. Only then is the volume detached and attached again, which takes more time.
const volumeWait = 20 * time.Minute

func (c Command) mount(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("mount", flag.ContinueOnError)
	id := flags.String("volume", "", "")
	wait := flags.Duration("wait", volumeWait, "")
	dir := stackDir(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	if err := checkVolume(*id); err != nil {
		return err
	}
	if *wait < 0 {
		return fmt.Errorf("--wait %v is negative: %w", *wait, errUsage)
	}
	if err := checkStackDir(*dir); err != nil {
		return err
	}
	return c.ensureVolume(ctx, *id, *dir, *wait)
}

func checkVolume(id string) error {
	if err := contract.CheckVolumeID(id); err != nil {
		return fmt.Errorf("--volume: %w, such as vol-0123456789abcdef0: %w", err, errUsage)
	}
	return nil
}

func (c Command) ensureVolume(ctx context.Context, id, dir string, wait time.Duration) error {
	return volume.Ensure(ctx, volume.Options{
		ID: id, Wait: wait, StackDir: dir, Run: c.runner(), Out: c.Stdout,
		System: c.System,
	})
}
