package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate"
)

func (o *operator) releasesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "releases APP", Short: "List the deploys of an app",
		Long: fmt.Sprintf(`Lists the last deploys of an app, the newest first: when, which release, how it ended, how long it took and who asked
for it. "*" marks the live release. Parameter Store keeps the last %d, so the list survives the host.`, contract.MaxDeploys),
		Args: command.Args("APP"), ValidArgsFunction: o.firstArgument(o.completeApps),
		RunE: o.runs(func(ctx context.Context, args []string) error { return o.runReleases(ctx, args[0]) }),
	}
}

// releasesJSON is what --json prints.
type releasesJSON struct {
	App string `json:"app"`
	// Live is the live release, "" without one.
	Live    string            `json:"live"`
	Deploys []operate.Release `json:"deploys"`
}

func (o *operator) runReleases(ctx context.Context, app string) error {
	stack, err := o.open(ctx)
	if err != nil {
		return err
	}
	if _, err := stack.App(app); err != nil {
		return err
	}
	all, live, err := stack.Releases(ctx, app)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(releasesJSON{app, live, append([]operate.Release{}, all...)})
	}
	return o.printReleases(app, live, all)
}

func (o *operator) printReleases(app, live string, all []operate.Release) error {
	if len(all) == 0 {
		text := fmt.Sprintf("%s has not been deployed yet. Deploy it with: webstack deploy %s TAG", app, app)
		if live != "" {
			text = fmt.Sprintf("%s runs %s. No deploys are recorded.", app, live)
		}
		_, err := fmt.Fprintln(o.Out, text)
		return err
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\tWHEN\tRELEASE\tRESULT\tTOOK\tBY\tCOMMIT")
	marked := false
	for _, r := range all {
		mark := ""
		if r.Live {
			mark, marked = "*", true
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.12s\n", mark, r.At.Local().Format(time.DateTime),
			orWord(contract.ShortRelease(r.Release), "-"), result(r), took(r.Seconds), operate.Who(r.By), r.Commit)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the releases: %w", err)
	}
	// Reasons follow their rows, and do not widen the columns.
	rows := strings.SplitAfter(table.String(), "\n")
	text := rows[0]
	for k, r := range all {
		text += rows[k+1]
		if r.Error != "" {
			text += "     " + r.Error + "\n"
		}
	}
	if _, err := fmt.Fprint(o.Out, text); err != nil {
		return err
	}
	if live != "" && !marked {
		_, err := fmt.Fprintf(o.Out, "\n%s runs %s, which none of these deploys has put live.\n", app, live)
		return err
	}
	return nil
}

func result(r operate.Release) string {
	if r.Rollback {
		return r.Result + " (rollback)"
	}
	return r.Result
}

func took(seconds float64) string {
	return (time.Duration(seconds*10) * 100 * time.Millisecond).String()
}
