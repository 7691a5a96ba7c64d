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

	"webstack/contract"
	"webstack/host/backup"
	"webstack/internal/printable"
)

// restoreRecord is the path of the record of a restore that replaces a database.
func (c Command) restoreRecord() string { return filepath.Join(c.root(), contract.RestoreRecordFile) }

// healRestore ends a restore that was killed while it replaced a database. The caller holds the lock of the stack.
func (c Command) healRestore(ctx context.Context, apps backup.RestoreApps, m contract.Manifest, out io.Writer) error {
	return backup.HealRestore(ctx, backup.HealOptions{
		Run: c.runner(), Record: c.restoreRecord(), Manifest: m, Apps: apps, Out: out,
	})
}

// healBeforeOthers is healRestore for commands that can continue if the app has its data but does not run.
func (c Command) healBeforeOthers(ctx context.Context, dir string, root *os.Root, m contract.Manifest, out io.Writer) error {
	if !backup.IsPending(c.restoreRecord()) {
		return nil
	}
	apps, err := c.withRegistry(ctx, dir, root, m, out)
	if err != nil {
		return err
	}
	err = c.healRestore(ctx, apps, m, out)
	if err != nil && !backup.IsPending(c.restoreRecord()) {
		_, err = fmt.Fprintf(out, "warning: %s\n", printable.OneLine(err))
	}
	return err
}

// restoreFlags are the flags of restore.
type restoreFlags struct {
	action, bucket, at, to, confirm, script, command, dir string
	all                                                   bool
	from                                                  int64
	apps                                                  []string
}

func parseRestore(args []string) (f restoreFlags, err error) {
	flags := flag.NewFlagSet("restore", flag.ContinueOnError)
	flags.StringVar(&f.action, "action", "restore", "")
	flags.StringVar(&f.bucket, "bucket", "", "")
	flags.BoolVar(&f.all, "all", false, "")
	flags.StringVar(&f.at, "at", "", "")
	flags.StringVar(&f.to, "to", "", "")
	flags.StringVar(&f.confirm, "confirm", "", "")
	flags.StringVar(&f.script, "script", "", "")
	flags.StringVar(&f.command, "command", "", "")
	flags.Int64Var(&f.from, "from", 0, "")
	flags.StringVar(&f.dir, "stack-dir", contract.DefaultStackDir, "")
	if err := parseFlags(flags, args); err != nil {
		return f, err
	}
	f.apps = flags.Args()
	if err := checkStackDir(f.dir); err != nil {
		return f, err
	}
	return f, f.check()
}

func (f restoreFlags) check() error {
	switch f.action {
	case "watch":
		return checkCommandID(f.command)
	case "restore", "forget":
	default:
		return fmt.Errorf("--action %q is not restore, forget or watch: %w", f.action, errUsage)
	}
	if err := contract.CheckBucket(f.bucket); err != nil {
		return fmt.Errorf("--bucket: %w: %w", err, errUsage)
	}
	if f.all && len(f.apps) > 0 || !f.all && len(f.apps) != 1 {
		return fmt.Errorf("restore %q: use the name of one app, or --all: %w", f.apps, errUsage)
	}
	for _, app := range f.apps {
		if contract.CheckAppName(app) != nil {
			return fmt.Errorf("restore %q: use the name of an app: %w", app, errUsage)
		}
	}
	if f.all && (f.to != "" || f.action == "forget" && f.at != "") {
		return fmt.Errorf("restore --all: --to, and --at to forget, need the name of an app: %w", errUsage)
	}
	if f.action == "forget" && f.at != "" {
		if _, err := contract.ParseBackupID(f.at); err != nil {
			return fmt.Errorf("--at: %w: %w", err, errUsage)
		}
	}
	return nil
}

func (c Command) restore(ctx context.Context, args []string) error {
	f, err := parseRestore(args)
	if err != nil {
		return err
	}
	if f.action == "watch" {
		return backup.WatchRestore(f.dir, f.command, f.from, c.Stdout)
	}
	// A restore that is cancelled removes what it has on the host, and undoes what it has changed.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o := backup.RestoreOptions{
		Options: c.backupOptions(f.dir, f.bucket, f.script, f.apps), At: f.at, To: f.to, Confirm: f.confirm,
		Record: c.restoreRecord(),
		Containers: func(ctx context.Context, root *os.Root, m contract.Manifest, out io.Writer) (backup.RestoreApps, error) {
			return c.withRegistry(ctx, f.dir, root, m, out)
		},
	}
	if f.action == "forget" {
		return backup.Forget(ctx, o, f.at)
	}
	o.Failed = c.tellRestore
	return backup.Restore(ctx, o)
}
