package ctl

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"

	"webstack/contract"
	"webstack/host/backup"
	"webstack/host/disk"
	"webstack/internal/filelock"
)

func (c Command) backup(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("backup", flag.ContinueOnError)
	action := flags.String("action", "backup", "")
	bucket := flags.String("bucket", "", "")
	script, id := flags.String("script", "", ""), flags.String("command", "", "")
	from := flags.Int64("from", 0, "")
	dir := stackDir(flags)
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if err := checkStackDir(*dir); err != nil {
		return err
	}
	switch *action {
	case "watch":
		if err := checkCommandID(*id); err != nil {
			return err
		}
		return backup.Watch(*dir, *id, *from, c.Stdout)
	case "backup":
	default:
		return fmt.Errorf("--action %q is not backup or watch: %w", *action, errUsage)
	}
	if err := contract.CheckBucket(*bucket); err != nil {
		return fmt.Errorf("--bucket: %w: %w", err, errUsage)
	}
	for _, app := range flags.Args() {
		if contract.CheckAppName(app) != nil {
			return fmt.Errorf("backup %q: use the names of apps: %w", app, errUsage)
		}
	}
	// A backup that is cancelled removes what it has on the host.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o := c.backupOptions(*dir, *bucket, *script, flags.Args())
	o.Failed = c.tellBackup
	o.HealRestore = func(ctx context.Context, root *os.Root, m contract.Manifest, out io.Writer) error {
		if !backup.IsPending(c.restoreRecord()) {
			return nil
		}
		release, err := filelock.Acquire(ctx, contract.Paths{StackDir: *dir}.Lock(), func() {
			_, _ = fmt.Fprintln(out, "waiting for a deploy or converge to finish")
		})
		if err != nil {
			return err
		}
		defer release()
		return c.healBeforeOthers(ctx, *dir, root, m, out)
	}
	return backup.Run(ctx, o)
}

// backupOptions are what backups and restores have in common.
func (c Command) backupOptions(dir, bucket, script string, apps []string) backup.Options {
	return backup.Options{
		StackDir: dir, Apps: apps, ID: commandIDRE.FindString(script), Run: c.runner(), Out: c.Stdout,
		Dir: filepath.Join(c.root(), contract.DumpsDir), Space: disk.Space,
		Store: func(ctx context.Context, region string) (backup.Store, error) {
			cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithEC2IMDSRegion())
			if err != nil {
				return nil, fmt.Errorf("load AWS settings: %w", err)
			}
			return backup.OpenBucket(cfg, bucket), nil
		},
	}
}
