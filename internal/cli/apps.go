package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate"
)

func (o *operator) appsListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the apps in the stack file and, if the host answers, their releases",
		Args: command.Args(), RunE: o.runs(o.runAppsList),
	}
}

// appsReport is the JSON form of webstack apps list. It is stable: fields are added, never renamed or removed.
type appsReport struct {
	Stack string      `json:"stack"`
	Apps  []appReport `json:"apps"`
	// HostError says why releases and states are unknown. It is "" when they are known.
	HostError string `json:"hostError,omitempty"`
}

type appReport struct {
	Name       string   `json:"name"`
	Domain     string   `json:"domain"`
	Aliases    []string `json:"aliases"`
	Port       int      `json:"port"`
	MemoryMb   int      `json:"memoryMb"`
	Repository string   `json:"repository"`
	GithubRepo string   `json:"githubRepo,omitempty"`
	// Release, State and Health are what the host reports, "" when unknown.
	Release string `json:"release,omitempty"`
	State   string `json:"state,omitempty"`
	Health  string `json:"health,omitempty"`
}

func (o *operator) runAppsList(ctx context.Context, _ []string) error {
	text, err := operate.ReadStackFile(o.dir, o.stack)
	if err != nil {
		return err
	}
	config, err := operate.LoadConfig(o.dir, o.stack, text)
	if err != nil {
		return err
	}
	report := appsReport{Stack: o.stack, Apps: []appReport{}}
	var status contract.Status
	if _, _, status, err = o.askHost(ctx); err != nil {
		report.HostError = err.Error()
	}
	for _, app := range config.Apps {
		row := appReport{
			Name: app.Name, Domain: app.Domain, Aliases: append([]string{}, app.Aliases...), Port: app.ContainerPort,
			MemoryMb: app.MemoryMb, Repository: app.RepoName, GithubRepo: app.GithubRepo,
		}
		for _, known := range status.Apps {
			if known.Name == app.Name {
				row.Release, row.State, row.Health = known.Release, known.State, known.Health
			}
		}
		report.Apps = append(report.Apps, row)
	}
	if o.json {
		return o.printJSON(report)
	}
	return o.writeApps(report, len(status.Apps) > 0)
}

// names returns the app's domain and the number of its aliases. --json lists them all.
func (a appReport) names() string {
	switch len(a.Aliases) {
	case 0:
		return a.Domain
	case 1:
		return a.Domain + " (+1 alias)"
	}
	return fmt.Sprintf("%s (+%d aliases)", a.Domain, len(a.Aliases))
}

func (o *operator) writeApps(report appsReport, known bool) error {
	if len(report.Apps) == 0 {
		_, err := fmt.Fprintf(o.Out, "Stack %s has no apps yet: webstack apps add --stack %s NAME --domain DOMAIN\n",
			o.stack, o.stack)
		return err
	}
	table := tabwriter.NewWriter(o.Out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "APP\tDOMAIN\tPORT\tMEMORY\tREPOSITORY\tRELEASE\tSTATE")
	for _, app := range report.Apps {
		release, state := "?", "?"
		if known {
			release, state = orWord(tagOf(app.Release), "-"), orWord(app.State, "-")
			if app.Health != "" && app.Health != contract.HealthNone {
				state += ", " + app.Health
			}
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d MiB\t%s\t%s\t%s\n", app.Name, app.names(), app.Port, app.MemoryMb,
			app.Repository, release, state)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("list the apps: %w", err)
	}
	if report.HostError != "" {
		_, _ = fmt.Fprintf(o.Err, "Releases and states are unknown: %s\n", report.HostError)
	}
	return nil
}
