package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"regexp"
	"time"

	"webstack/operate"
)

var logsCommand = operatorCommand{
	name: "logs", usage: "APP [-f] [--lines N] [--since 10m] [-t]",
	help: "show what an app has written, or caddy or postgres; -f follows it, -t shows the times",
	args: 1,
	flags: func(o *operator, flags *flag.FlagSet) {
		options := &logsOptions{}
		o.options = options
		flags.BoolVar(&options.follow, "f", false, "")
		flags.BoolVar(&options.follow, "follow", false, "")
		flags.BoolVar(&options.times, "t", false, "")
		flags.IntVar(&options.lines, "lines", 100, "")
		flags.StringVar(&options.since, "since", "", "")
	},
	run: runLogs,
}

type logsOptions struct {
	follow, times bool
	lines         int
	since         string
}

// services are what has a log beside the apps.
var services = regexp.MustCompile(`^(?:caddy|postgres)$`)

func runLogs(ctx context.Context, o *operator) error {
	options := o.options.(*logsOptions)
	since, err := parseSince(options.since, time.Now())
	if err != nil {
		return err
	}
	if options.lines < 1 || options.lines > operate.MaxLogLines {
		return fmt.Errorf("%w: --lines %d is not 1 to %d", errUsage, options.lines, operate.MaxLogLines)
	}
	stack, err := o.open(ctx)
	if err != nil {
		return err
	}
	service := o.args[0]
	if !services.MatchString(service) {
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

// parseSince reads a time, or how long ago it was.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if age, err := time.ParseDuration(text); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%w: --since %q is neither an age such as 10m nor a time such as 2026-01-31T03:15:00Z", errUsage,
			text)
	}
	return at, nil
}

// writeLine prints a line; for scripts as a JSON object of its own.
func (o *operator) writeLine(line operate.LogLine, times bool) error {
	var err error
	switch {
	case o.json:
		encoder := json.NewEncoder(o.Stdout)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(line)
	case times && !line.Time.IsZero():
		_, err = fmt.Fprintf(o.Stdout, "%s %s\n", line.Time.Format(time.RFC3339Nano), line.Text)
	default:
		_, err = fmt.Fprintln(o.Stdout, line.Text)
	}
	if err != nil {
		return fmt.Errorf("print the log: %w", err)
	}
	return nil
}
