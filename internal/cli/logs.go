package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate"
)

func (o *operator) logsCommand() *cobra.Command {
	options := &logsOptions{}
	cmd := &cobra.Command{
		Use: "logs APP", Short: "Show the log of an app, caddy or postgres",
		Example: `  webstack logs shop -f
  webstack logs caddy --since 10m --lines 1000`,
		Args: command.Args("APP"), ValidArgsFunction: o.firstArgument(o.completeLogs),
		RunE: o.runs(func(ctx context.Context, args []string) error { return o.runLogs(ctx, args[0], options) }),
	}
	flags := cmd.Flags()
	flags.BoolVarP(&options.follow, "follow", "f", false, "follow the log")
	flags.BoolVarP(&options.times, "timestamps", "t", false, "show the time of every line")
	flags.IntVar(&options.lines, "lines", 100, fmt.Sprintf("maximum number of lines to show, 1 to %d", operate.MaxLogLines))
	flags.StringVar(&options.since, "since", "", "show only lines since a time (2026-01-31T03:15:00Z) or an age (10m)")
	return cmd
}

type logsOptions struct {
	follow, times bool
	lines         int
	since         string
}

// services are the containers other than apps that have a log.
var services = []string{contract.CaddyService, contract.PostgresService}

func (o *operator) runLogs(ctx context.Context, service string, options *logsOptions) error {
	since, err := parseSince(options.since, time.Now())
	if err != nil {
		return err
	}
	if options.lines < 1 || options.lines > operate.MaxLogLines {
		return fmt.Errorf("%w: --lines %d is not between 1 and %d", command.ErrUsage, options.lines, operate.MaxLogLines)
	}
	stack, err := o.open(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(services, service) {
		if _, err := stack.App(service); err != nil {
			return err
		}
	}
	host, err := stack.Reachable(ctx)
	if err != nil {
		return err
	}
	return stack.Logs(ctx, host, operate.LogOptions{
		Service: service, Lines: options.lines, Since: since, Follow: options.follow,
	}, func(line operate.LogLine) error { return o.writeLine(line, options.times) })
}

// parseSince parses a time or an age.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if age, err := time.ParseDuration(text); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%w: --since %q is neither an age such as 10m nor a time such as 2026-01-31T03:15:00Z", command.ErrUsage,
			text)
	}
	return at, nil
}

// writeLine prints a line, or with --json an object per line.
func (o *operator) writeLine(line operate.LogLine, times bool) error {
	var err error
	switch {
	case o.json:
		encoder := json.NewEncoder(o.Out)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(line)
	case times && !line.Time.IsZero():
		_, err = fmt.Fprintf(o.Out, "%s %s\n", line.Time.Format(time.RFC3339Nano), line.Text)
	default:
		_, err = fmt.Fprintln(o.Out, line.Text)
	}
	if err != nil {
		return fmt.Errorf("print the log: %w", err)
	}
	return nil
}
