package ctl

import (
	"context"
	"flag"
	"fmt"
	"regexp"

	"webstack/contract"
	"webstack/host/logs"
)

var sinceRE = regexp.MustCompile(`^([0-9]+[smh])+$|^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$`)

const maxLines = 5000

func (c Command) logs(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("logs", flag.ContinueOnError)
	lines := flags.Int("lines", 100, "")
	since := flags.String("since", "", "")
	timestamps := flags.Bool("timestamps", false, "")
	dir := stackDir(flags)
	service := ""
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		service, args = args[0], args[1:]
	}
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case contract.CheckAppName(service) != nil:
		return fmt.Errorf("logs %q: use the name of an app, caddy or postgres: %w", service, errUsage)
	case *lines < 1 || *lines > maxLines:
		return fmt.Errorf("--lines %d is not 1..%d: %w", *lines, maxLines, errUsage)
	case *since != "" && !sinceRE.MatchString(*since):
		return fmt.Errorf("--since %q is neither an age such as 10m nor a time such as 2026-01-31T03:15:00Z: %w",
			*since, errUsage)
	}
	if err := checkStackDir(*dir); err != nil {
		return err
	}
	return logs.Print(ctx, logs.Options{
		Service: service, Lines: *lines, Since: *since, Timestamps: *timestamps, Engine: c.engine(*dir, nil), Out: c.Stdout,
	})
}
