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
	"webstack/internal/operate/verify"
)

func (o *operator) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the apps, their releases, health and certificates, and the state of the host",
		Args: command.Args(), RunE: o.runs(o.runStatus),
	}
}

// statusReport is the JSON form of webstack status. It is stable: fields are added, never renamed or removed.
type statusReport struct {
	Stack    string `json:"stack"`
	Account  string `json:"account"`
	Region   string `json:"region"`
	Instance string `json:"instance"`
	PublicIP string `json:"publicIp"`
	// Host is what the host reports about itself.
	Host contract.Status `json:"host"`
	// Backup is the newest complete backup, null if there is none or backups are off.
	Backup *backupReport `json:"backup"`
}

type backupReport struct {
	Bucket string    `json:"bucket"`
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
}

func (o *operator) runStatus(ctx context.Context, _ []string) error {
	stack, host, status, err := o.askHost(ctx)
	if err != nil {
		return err
	}
	report := statusReport{
		Stack: stack.Name, Account: stack.Account, Region: stack.Region, Instance: host.InstanceID, PublicIP: host.PublicIP,
		Host: status,
	}
	backups := "off (webstack:enablePgDumpToS3)"
	if stack.Config.EnablePgDumpToS3 {
		last, err := verify.LastBackup(ctx, stack)
		switch {
		case err != nil: // the rest is worth showing anyway
			backups = err.Error()
		case last.Name == "":
			backups = "none yet"
		default:
			report.Backup = &backupReport{Bucket: last.Bucket, Name: last.Name, At: last.At}
			backups = fmt.Sprintf("%s, %s ago, in %s", last.Name, operate.Ago(status.At.Sub(last.At)), last.Bucket)
		}
	}
	if o.json {
		return o.printJSON(report)
	}
	return o.writeStatus(report, backups)
}

// timeLayout shows times in UTC, like the names of backups and the schedules.
const timeLayout = "2006-01-02 15:04 UTC"

func (o *operator) writeStatus(r statusReport, backups string) error {
	var text strings.Builder
	h := r.Host
	fmt.Fprintf(&text, "Stack %s in account %s, %s\n\n", r.Stack, r.Account, r.Region)
	table := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintf(table, "Host\t%s, %s, up since %s\n", r.Instance, r.PublicIP, h.Boot.UTC().Format(timeLayout))
	_, _ = fmt.Fprintf(table, "Memory\t%s\n", memoryText(h.Memory))
	for _, disk := range h.Disks {
		_, _ = fmt.Fprintf(table, "Disk %s\t%s\n", disk.Path, diskText(disk))
	}
	_, _ = fmt.Fprintf(table, "Docker\t%s\n", orWord(h.Docker, "does not answer"))
	for _, service := range h.Services {
		_, _ = fmt.Fprintf(table, "%s\t%s\n", service.Name, serviceText(service, h.At))
	}
	if h.Connections != nil {
		_, _ = fmt.Fprintf(table, "Connections\t%d of %d to Postgres in use by the apps\n", h.Connections.Used, h.Connections.Limit)
	}
	_, _ = fmt.Fprintf(table, "Last backup\t%s\n", backups)
	_, _ = fmt.Fprintln(table)
	if len(h.Apps) == 0 {
		_, _ = fmt.Fprintln(table, "No apps yet: webstack apps add")
	} else {
		_, _ = fmt.Fprintln(table, "APP\tDOMAIN\tRELEASE\tSTATE\tCONNECTIONS\tCERTIFICATE")
	}
	for _, app := range h.Apps {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", app.Name, app.Domain, releaseText(app), appText(app, h.At),
			app.Database.Text(), certificateText(app.Certificate, h.At))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	writeProblems(&text, h)
	_, err := fmt.Fprint(o.Out, text.String())
	return err
}

// releaseText returns the release that an app runs and, if it differs, the one that it should run.
func releaseText(app contract.AppStatus) string {
	runs := orWord(tagOf(app.Release), "-")
	if app.Wanted == "" || app.Wanted == app.Release {
		return runs
	}
	return fmt.Sprintf("%s, wanted %s", runs, tagOf(app.Wanted))
}

func appText(app contract.AppStatus, at time.Time) string {
	text := runText(app, at)
	if app.Maintenance {
		text += ", IN MAINTENANCE"
	}
	if app.Restoring != "" {
		text += fmt.Sprintf(", the restore %s has not ended", app.Restoring)
	}
	switch {
	case app.DeployKilled:
		text += fmt.Sprintf(", the deploy of %s was interrupted", tagOf(app.Deploying))
	case app.Deploying != "":
		text += fmt.Sprintf(", deploying %s for %s", tagOf(app.Deploying), operate.Ago(at.Sub(app.DeployingSince)))
	}
	return text
}

func runText(app contract.AppStatus, at time.Time) string {
	switch {
	case app.Release != "":
		return serviceText(app.ServiceStatus, at)
	case app.Wanted != "":
		return "not running, see below"
	}
	return "not deployed yet"
}

// writeProblems says why the host is not up to date.
func writeProblems(text *strings.Builder, h contract.Status) {
	if len(h.Problems) == 0 {
		return
	}
	fmt.Fprintf(text, "\nThe last attempt to bring the host up to date failed %s ago:\n", operate.Ago(h.At.Sub(h.FailedAt)))
	for _, p := range h.Problems {
		fmt.Fprintf(text, "  %s: %s\n", orWord(p.App, "host"), strings.ReplaceAll(p.Error, "\n", "\n    "))
		for _, line := range p.Lines {
			fmt.Fprintf(text, "    | %s\n", line)
		}
	}
}

// tagOf returns a release without its digest, or the beginning of the digest if there is no tag.
func tagOf(release string) string {
	if tag, _ := contract.SplitRelease(release); tag != "" {
		return tag
	}
	return contract.ShortRelease(release)
}

func orWord(text, word string) string {
	if text == "" {
		return word
	}
	return text
}

func memoryText(m contract.MemoryStatus) string {
	text := fmt.Sprintf("%s of %s available", size(m.Available), size(m.Total))
	if m.SwapTotal > 0 {
		text += fmt.Sprintf(", %s of %s swap in use", size(m.SwapTotal-m.SwapFree), size(m.SwapTotal))
	}
	return text
}

func diskText(d contract.DiskStatus) string {
	const much = 80 // percent; webstack verify warns from here on too
	text := fmt.Sprintf("%s of %s free", size(d.Free), size(d.Total))
	switch space, inodes := d.Used(); {
	case space >= much:
		text += fmt.Sprintf(", %d %% FULL", space)
	case inodes >= much:
		text += fmt.Sprintf(", %d %% OF ITS INODES IN USE", inodes)
	}
	return text
}

// serviceText describes the state of a container and how long it has lasted.
func serviceText(s contract.ServiceStatus, at time.Time) string {
	if s.State == "" {
		return "no container"
	}
	text := s.State
	if s.Health != contract.HealthNone && s.Health != "" {
		text += ", " + s.Health
	}
	if !s.Since.IsZero() {
		text += fmt.Sprintf(", for %s", operate.Ago(at.Sub(s.Since)))
	}
	switch {
	case s.Restarts == 1:
		text += ", restarted once"
	case s.Restarts > 1:
		text += fmt.Sprintf(", restarted %d times", s.Restarts)
	}
	if s.MemoryKills > 0 {
		text += fmt.Sprintf(", killed for its memory limit of %s", size(s.MemoryLimit))
	}
	return text
}

func certificateText(c *contract.CertificateStatus, at time.Time) string {
	if c == nil {
		return "none"
	}
	from := c.Issuer
	if _, name, found := strings.Cut(from, "CN="); found {
		from, _, _ = strings.Cut(name, ",")
	}
	if c.Own {
		from = "its own"
	}
	return fmt.Sprintf("until %s (%s), %s", c.NotAfter.UTC().Format(time.DateOnly), operate.Ago(c.NotAfter.Sub(at)), from)
}

// size formats a number of bytes for people.
func size(bytes int64) string {
	const mebi, gibi = 1 << 20, 1 << 30
	if bytes < gibi {
		return fmt.Sprintf("%d MiB", bytes/mebi)
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/gibi)
}
