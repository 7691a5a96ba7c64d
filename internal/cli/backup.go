package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate"
	"webstack/internal/operate/backups"
	"webstack/internal/operate/verify"
)

func (o *operator) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup [APP]...", Short: "Back up the databases of apps, or all databases",
		Long: `Backs up the databases of the named apps or, without any, those of all apps and the default database. Each backup is
restored into a throwaway Postgres on the host and compared with the database before it counts. The apps keep running.

The exit status is 0 only if every database has a verified backup.`,
		Example: `  webstack backup
  webstack backup shop`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
			left := slices.DeleteFunc(o.completeApps(), func(app string) bool { return slices.Contains(args, app) })
			return beginning(left, begin), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: o.runs(o.runBackup),
	}
}

func (o *operator) runBackup(ctx context.Context, apps []string) error {
	stack, err := o.openBackups(ctx)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if _, err := stack.App(app); err != nil {
			return err
		}
	}
	host, err := stack.Reachable(ctx)
	if err != nil {
		return err
	}
	id, err := stack.Backup(ctx, host, apps, o.hostOutput())
	return o.followed(err, operate.ErrBackupFailed, func() error {
		return o.printJSON(map[string]any{"command": id, "verified": err == nil})
	})
}

// openBackups opens the stack, which must make backups.
func (o *operator) openBackups(ctx context.Context) (*operate.Stack, error) {
	stack, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	if !stack.Config.EnablePgDumpToS3 {
		return nil, fmt.Errorf("find the backups of stack %s: they are off; set webstack:enablePgDumpToS3 to true and run pulumi up",
			stack.Name)
	}
	return stack, nil
}

func (o *operator) backupsCommand() *cobra.Command {
	last := 10
	cmd := &cobra.Command{
		Use: "backups [APP]", Short: "List the backups of an app's database, or of all databases",
		Long: `Lists backups, the newest first: when, of which database, how large, how many rows, and how each was verified. "*" marks
the newest verified backup of a database, which never expires. APP may be the name of any database, such as the default
one or that of an app that was removed. It reads the backup bucket and does not need the host.`,
		Args: command.Args("[APP]"), ValidArgsFunction: o.firstArgument(o.completeApps),
		RunE: o.runs(func(ctx context.Context, args []string) error { return o.runBackups(ctx, args, last) }),
	}
	cmd.Flags().IntVar(&last, "last", last, "how many backups of each database to list, 0 for all")
	return cmd
}

// backupsJSON is what --json prints.
type backupsJSON struct {
	Stack   string           `json:"stack"`
	Bucket  string           `json:"bucket"`
	Backups []backups.Backup `json:"backups"`
}

func (o *operator) runBackups(ctx context.Context, args []string, last int) error {
	if last < 0 {
		return fmt.Errorf("%w: --last %d is less than 0", command.ErrUsage, last)
	}
	stack, err := o.openBackups(ctx)
	if err != nil {
		return err
	}
	done := o.progress.Step("Reading the backup bucket")
	bucket, all, err := readBackups(ctx, stack, args, last)
	done()
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(backupsJSON{stack.Name, bucket, append([]backups.Backup{}, all...)})
	}
	return o.printBackups(all, time.Now())
}

// readBackups finds the bucket and reads the selected backups.
func readBackups(ctx context.Context, stack *operate.Stack, databases []string, last int) (string, []backups.Backup, error) {
	bucket, err := verify.BackupBucket(ctx, stack)
	if err != nil {
		return "", nil, err
	}
	client := backups.Client(stack.AWS)
	all, err := backups.Index(ctx, client, bucket)
	if err != nil {
		return "", nil, err
	}
	all = selectBackups(all, databases, last)
	if len(all) == 0 && len(databases) > 0 && databases[0] != stack.Config.PostgresDefaultDb {
		if _, err := stack.App(databases[0]); err != nil {
			return "", nil, err
		}
	}
	return bucket, all, backups.Read(ctx, client, bucket, all)
}

// selectBackups returns the last backups of each database, or of the given one.
func selectBackups(all []backups.Backup, databases []string, last int) []backups.Backup {
	seen := map[string]int{}
	return slices.DeleteFunc(all, func(b backups.Backup) bool {
		seen[b.Database]++
		other := len(databases) > 0 && !slices.Contains(databases, b.Database)
		return other || last > 0 && seen[b.Database] > last && !b.Newest
	})
}

func (o *operator) printBackups(all []backups.Backup, now time.Time) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(o.Out, "There are no backups yet. Make one with: webstack backup")
		return err
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\tID\tAGE\tDATABASE\tRESULT\tDUMP\tROWS\tTOOK\tVERIFIED")
	for _, b := range all {
		mark := ""
		if b.Newest {
			mark = "*"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", mark, b.ID, operate.Ago(now.Sub(b.At)), b.Database,
			resultText(b, now), manifestText(b.Manifest))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the backups: %w", err)
	}
	// Reasons follow their rows, and do not widen the columns.
	rows := strings.SplitAfter(table.String(), "\n")
	text := rows[0]
	for k, b := range all {
		text += rows[k+1]
		notes := []string{b.Error}
		if b.Manifest != nil {
			notes = append(notes, b.Manifest.Warnings...)
		}
		for _, note := range notes {
			if note != "" {
				text += "     " + strings.ReplaceAll(note, "\n", "\n     ") + "\n"
			}
		}
	}
	_, err := fmt.Fprint(o.Out, text)
	return err
}

// resultText says how a backup ended. Nobody waits longer for one than the document does.
func resultText(b backups.Backup, now time.Time) string {
	switch {
	case b.Result != backups.Incomplete:
		return b.Result
	case now.Sub(b.At) < 12*time.Hour:
		return "not verified yet"
	}
	return "interrupted, not verified"
}

// manifestText returns the columns that only verified backups have.
func manifestText(m *contract.Backup) string {
	if m == nil {
		return "\t\t\t"
	}
	return fmt.Sprintf("%s\t%d\t%s\tby restore, in %s", dumpSize(m.Object.Bytes), m.Rows(),
		m.FinishedAt.Sub(m.StartedAt).Round(100*time.Millisecond), took(m.Verify.Seconds))
}

// dumpSize formats the size of a dump.
func dumpSize(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}
