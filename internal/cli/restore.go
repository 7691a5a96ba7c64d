package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate"
	"webstack/internal/operate/backups"
)

// restoreFlags are the flags of restore.
type restoreFlags struct {
	at, to, confirm, forget string
	all, file               bool
}

// everyRestore is --forget without a value.
const everyRestore = "all"

func (o *operator) restoreCommand() *cobra.Command {
	f := &restoreFlags{}
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use: "restore [APP]", Short: "Restore the database of an app, or all databases, from a backup",
		Long: `Restores the database of an app from a verified backup. The backup is restored beside the live database and compared with
what was backed up. Only then is the app stopped, the databases swapped, and the app started again. If it is not healthy,
the swap is undone. Visitors get a maintenance page meanwhile, for a few seconds. The database that was replaced stays until
--forget drops it.

It asks for the name of the app. Without a terminal, give it with --confirm.`,
		Example: `  webstack restore shop
  webstack restore shop --at 2026-11-30T14:00:00Z --confirm shop
  webstack restore shop --to shop_look
  webstack restore shop --forget
  webstack restore --all --forget
  webstack restore --all`,
		Args: command.Args("[APP]"), ValidArgsFunction: o.firstArgument(o.completeApps),
		RunE: o.runs(func(ctx context.Context, args []string) error {
			for _, name := range []string{"at", "to", "confirm", "forget"} {
				if given := cmd.Flags().Lookup(name); given.Changed && given.Value.String() == "" {
					return fmt.Errorf("%w: --%s is empty", command.ErrUsage, name)
				}
			}
			app := ""
			if len(args) > 0 {
				app = args[0]
			}
			return o.runRestore(ctx, app, f)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.at, "at", "", "backup to restore: latest, its ID, or a time such as 2026-11-30T14:00:00Z for the newest before it (default latest)")
	flags.StringVar(&f.to, "to", "", "name of a new database to restore to, which leaves the app and its database alone")
	flags.StringVar(&f.confirm, "confirm", "", "name of the app, to replace its data without a question; with --all: all")
	flags.StringVar(&f.forget, "forget", "", "drop the database that the restore with this ID has replaced; without an ID, those of all restores of the app or, with --all, of every database")
	flags.Lookup("forget").NoOptDefVal = everyRestore
	flags.BoolVar(&f.all, "all", false, "restore the databases of all apps and the default one; without --confirm all, only those that are empty")
	flags.BoolVar(&f.file, "file", false, "print commands that download the dump and restore it elsewhere")
	return cmd
}

var (
	restoreToRE = regexp.MustCompile("^" + contract.RestoreToPattern + "$")
	backupIDRE  = regexp.MustCompile("^" + contract.BackupIDPattern + "$")
)

// check refuses flags that make no sense together, and writes the time in UTC.
func (f *restoreFlags) check(app string) error {
	switch {
	case f.all == (app != ""):
		return fmt.Errorf("%w: name one app, or use --all", command.ErrUsage)
	case f.all && (f.to != "" || f.file || f.forget != "" && f.forget != everyRestore):
		return fmt.Errorf("%w: --to, --file and the ID of --forget need the name of an app", command.ErrUsage)
	case f.forget != "" && (f.to != "" || f.at != "" || f.file), f.file && f.to != "":
		return fmt.Errorf("%w: use only one of --forget, --file and --to, and --at only to restore", command.ErrUsage)
	case f.to != "" && !restoreToRE.MatchString(f.to):
		return fmt.Errorf("%w: --to %q is not 1 to 63 lower-case letters, digits and _ that begin with a letter", command.ErrUsage, f.to)
	case f.forget != "" && f.forget != everyRestore && !backupIDRE.MatchString(f.forget):
		return fmt.Errorf("%w: --forget=%s is not the ID of a restore, such as 20261130T031500Z", command.ErrUsage, f.forget)
	case f.confirm != "" && f.confirm != app && (!f.all || f.confirm != everyRestore):
		return fmt.Errorf("%w: --confirm %q is not the name of what is to be replaced; nothing was changed", command.ErrUsage, f.confirm)
	}
	if f.at == "" || f.at == "latest" || backupIDRE.MatchString(f.at) {
		return nil
	}
	at, err := time.Parse(time.RFC3339, f.at)
	if err != nil {
		return fmt.Errorf("%w: --at %q is not latest, an ID such as 20261130T031500Z, or a time such as 2026-11-30T14:00:00Z",
			command.ErrUsage, f.at)
	}
	f.at = at.UTC().Format(time.RFC3339)
	return nil
}

func (o *operator) runRestore(ctx context.Context, app string, f *restoreFlags) error {
	if err := f.check(app); err != nil {
		return err
	}
	stack, err := o.openBackups(ctx)
	if err != nil {
		return err
	}
	if app != "" {
		if _, err := stack.App(app); err != nil {
			return err
		}
	}
	if f.file {
		return o.printDownload(ctx, stack, app, f.at)
	}
	if app != "" && f.to == "" && f.forget == "" && f.confirm == "" {
		if f.confirm, err = o.askName(ctx, app); err != nil {
			return err
		}
	}
	reach := stack.Reachable
	if f.all { // the host may be new
		reach = stack.Ready
	}
	done := o.progress.Step("Reaching the host")
	host, err := reach(ctx)
	done()
	if err != nil {
		return err
	}
	id, err := stack.Restore(ctx, host, f.options(app), o.hostOutput())
	return o.followed(err, operate.ErrRestoreFailed, func() error {
		return o.printJSON(map[string]any{"command": id, "succeeded": err == nil})
	})
}

func (f *restoreFlags) options(app string) operate.RestoreOptions {
	r := operate.RestoreOptions{App: app, At: f.at, To: f.to, Confirm: f.confirm, Forget: f.forget != ""}
	if r.Forget && f.forget != everyRestore {
		r.At = f.forget
	}
	return r
}

// askName makes a person type the name of the app whose data is about to be replaced.
func (o *operator) askName(ctx context.Context, app string) (string, error) {
	answer, err := o.ask(ctx, fmt.Sprintf("This replaces all data of %s. Type its name to go on: ", app))
	switch {
	case errors.Is(err, errNoTerminal):
		return "", fmt.Errorf("%w: nothing was changed: cannot ask without a terminal; add --confirm %s", command.ErrUsage, app)
	case err != nil:
		return "", fmt.Errorf("nothing was changed: %w", err)
	case answer != app:
		return "", fmt.Errorf("nothing was changed: %q is not %s", answer, app)
	}
	return answer, nil
}

// downloadText has the bucket, the key, the app, the checksum and the roles' key of a backup.
const downloadText = `# backup %[6]s of %[3]s, with the data of %[7]s
aws s3 cp 's3://%[1]s/%[2]s' %[3]s.dump
echo '%[4]s  %[3]s.dump' | sha256sum --check
createdb --template template0 %[3]s_copy
pg_restore --exit-on-error --no-owner --no-privileges --dbname %[3]s_copy %[3]s.dump
# with the roles of the server, restore owners and grants too:
#   aws s3 cp 's3://%[1]s/%[5]s' globals.sql
`

// printDownload prints how to restore a backup without Webstack.
func (o *operator) printDownload(ctx context.Context, stack *operate.Stack, app, at string) error {
	done := o.progress.Step("Reading the backup bucket")
	bucket, all, err := readBackups(ctx, stack, []string{app}, 0)
	done()
	if err != nil {
		return err
	}
	b, ok := chooseBackup(all, at)
	if !ok {
		return fmt.Errorf("find a backup of %s: there is no such verified one; see webstack backups %s", app, app)
	}
	m := b.Manifest
	if o.json {
		return o.printJSON(map[string]any{"bucket": bucket, "backup": m})
	}
	_, err = fmt.Fprintf(o.Out, downloadText, bucket, m.Object.Key, app, m.Object.SHA256, m.Globals.Key, b.ID,
		m.SnapshotAt.UTC().Format(time.RFC3339))
	return err
}

// chooseBackup returns the backup that a restore would use.
func chooseBackup(all []backups.Backup, at string) (backups.Backup, bool) {
	until, err := time.Parse(time.RFC3339, at)
	for _, b := range all { // the newest first
		switch {
		case b.Manifest == nil:
		case at == "", at == "latest", at == b.ID, err == nil && !b.Manifest.SnapshotAt.After(contract.EndOfSecond(until)):
			return b, true
		}
	}
	return backups.Backup{}, false
}
