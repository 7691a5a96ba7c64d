package ctl

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"webstack/contract"
	"webstack/host/connlimit"
	"webstack/host/database"
	"webstack/host/firewall"
	"webstack/host/parameters"
	"webstack/host/status"
)

func (c Command) status(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("status", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "")
	dir := stackDir(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	if err := checkStackDir(*dir); err != nil {
		return err
	}
	s := status.Read(ctx, status.Options{
		StackDir: *dir, Engine: c.engine(*dir, nil), Root: c.root(), Postgres: c.askPostgres, Connect: database.Try,
		Guarded: func(ctx context.Context) bool { return connlimit.InForce(ctx, c.runner()) },
		WebGuarded: func(ctx context.Context, web contract.Web) bool {
			return firewall.InForce(ctx, c.runner(), web)
		},
	})
	if *asJSON {
		_, err := fmt.Fprintf(c.Stdout, "%s\n", s.Encode())
		return err
	}
	return c.printStatus(s)
}

// answerLimit is how long Postgres may take to answer for a status.
const answerLimit = 10 * time.Second

// askPostgres returns what Postgres has in use, and fails if it does not accept connections.
func (c Command) askPostgres(ctx context.Context, m contract.Manifest) (database.Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	var address, password string
	if m.ExternalPostgres {
		store, err := parameters.Open(ctx, m.Region)
		if err != nil {
			return database.Usage{}, err
		}
		base := contract.BasePath(m.Project, m.Stack)
		found, failed, err := store.ByName(ctx, []string{
			contract.PostgresHostParam(base), contract.PostgresPasswordParam(base),
		})
		if err != nil || len(failed) > 0 {
			return database.Usage{}, fmt.Errorf("find the external Postgres: %w", err)
		}
		address, password = found[contract.PostgresHostParam(base)], found[contract.PostgresPasswordParam(base)]
	}
	return database.ReadUsage(ctx, c.postgres(m.PostgresUser, address, password))
}

// postgres returns the container or, with an address, the external server.
func (c Command) postgres(user, address, password string) database.Server {
	if address == "" {
		return &database.Container{
			Name: contract.PostgresService, User: user, Run: c.runner(),
			Record: filepath.Join(c.root(), contract.PostgresSuperuserFile),
		}
	}
	return &database.External{Address: address, User: user, Password: password}
}

// printStatus prints a summary for people.
func (c Command) printStatus(s contract.Status) error {
	yes := map[bool]string{true: "yes", false: "NO"}
	w := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	const mebi = 1 << 20
	line("manifest\t%.12s", s.Manifest)
	line("data volume mounted\t%s", yes[s.DataMounted])
	line("Docker\t%s", s.Docker)
	line("Postgres ready\t%s", yes[s.PostgresReady])
	line("memory\t%d of %d MiB available, swap %d of %d MiB free", s.Memory.Available/mebi, s.Memory.Total/mebi,
		s.Memory.SwapFree/mebi, s.Memory.SwapTotal/mebi)
	for _, d := range s.Disks {
		line("disk %s\t%d of %d MiB free, %d of %d inodes free", d.Path, d.Free/mebi, d.Total/mebi, d.InodesFree, d.Inodes)
	}
	if s.Connections != nil {
		line("connections of the apps\t%d of %d", s.Connections.Used, s.Connections.Limit)
	}
	line("\nNAME\tRELEASE\tSTATE\tHEALTH\tSINCE\tCONNECTIONS\tCERTIFICATE UNTIL")
	for _, one := range s.Services {
		line("%s\t\t%s\t%s\t%s\t\t", one.Name, one.State, one.Health, when(one.Since, time.DateTime))
	}
	for _, app := range s.Apps {
		release := app.Release
		if app.Wanted != app.Release {
			release += " (wanted: " + app.Wanted + ")"
		}
		until := ""
		if app.Certificate != nil {
			until = when(app.Certificate.NotAfter, time.DateOnly)
		}
		line("%s\t%s\t%s\t%s\t%s\t%s\t%s", app.Name, release, app.State, app.Health, when(app.Since, time.DateTime),
			app.Database.Text(), until)
	}
	for _, p := range s.Problems {
		line("\nfailed at %s: %s %s", when(s.FailedAt, time.DateTime), p.App, p.Error)
	}
	return w.Flush()
}

// when formats a time, "" for none.
func when(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(layout)
}
