package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

var appChecks = []check{
	{phase: 5, name: "apps.services", looked: "docker compose ps: the shared services", run: checkServices},
	{phase: 5, name: "apps.containers", looked: "docker compose ps: the apps", when: hasApps, run: checkContainers},
	{phase: 5, name: "apps.ports", looked: "published ports of the containers", run: checkPublished},
}

func hasApps(c *config.Config) bool { return len(c.Apps) > 0 }

func checkServices(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{caddyService}
	if !w.config.EnableExternalPostgres {
		names = append(names, postgresService)
	}
	var out []finding
	for _, name := range names {
		at := slices.IndexFunc(status.Services, func(s contract.ServiceStatus) bool { return s.Name == name })
		if at < 0 {
			out = append(out, failed(name, w.again(), "there is no container"))
			continue
		}
		out = append(out, container(name, status.Services[at], status, "webstack logs "+name+" --stack "+w.stack))
	}
	return out, nil
}

// container checks one container.
func container(subject string, s contract.ServiceStatus, status contract.Status, do string) finding {
	switch {
	case s.State != "running":
		return failed(subject, do, "its container is %s%s", orNone(s.State), killedText(s))
	case s.Health == contract.HealthStarting:
		// Docker runs the first health check a few seconds after the start and gives up after a minute.
		return finding{subject: subject, outcome: Later,
			found: fmt.Sprintf("running for %s, its health check has not passed yet", operate.Ago(status.At.Sub(s.Since)))}
	case s.Health != contract.HealthHealthy && s.Health != contract.HealthNone:
		return failed(subject, do, "its container is %s%s", s.Health, killedText(s))
	case s.MemoryKills > 0:
		return warned(subject, "raise its memory limit, or find out what needs so much memory: "+do, "running for %s%s",
			operate.Ago(status.At.Sub(s.Since)), killedText(s))
	}
	return passed(subject, "running for %s, %s", operate.Ago(status.At.Sub(s.Since)), healthWord(s.Health))
}

// killedText says that the kernel has killed processes of a container, "" if it has not.
func killedText(s contract.ServiceStatus) string {
	if s.MemoryKills == 0 {
		return ""
	}
	return fmt.Sprintf(", and was killed at its memory limit of %d MiB", s.MemoryLimit>>20)
}

func orNone(state string) string {
	if state == "" {
		return "missing"
	}
	return state
}

func healthWord(health string) string {
	if health == contract.HealthNone {
		return "without a health check"
	}
	return health
}

func checkContainers(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	var out []finding
	for _, app := range w.config.Apps {
		at := slices.IndexFunc(status.Apps, func(s contract.AppStatus) bool { return s.Name == app.Name })
		switch {
		case at < 0:
			out = append(out, failed(app.Name, w.again(), "the host does not know the app"))
		case status.Apps[at].Wanted != "" && status.Apps[at].Wanted != status.Apps[at].Release:
			out = append(out, notReleased(status, status.Apps[at]))
		case status.Apps[at].Release == "":
			out = append(out, passed(app.Name, "no release yet: it answers 503 until the first deploy"))
		default:
			found := status.Apps[at]
			row := container(app.Name, found.ServiceStatus, status, "webstack logs "+app.Name+" --stack "+w.stack)
			row.found = fmt.Sprintf("release %s, %s", releaseTag(found.Release), row.found)
			out = append(out, row)
		}
	}
	return out, nil
}

// notReleased says why an app does not run the wanted release.
func notReleased(status contract.Status, app contract.AppStatus) finding {
	runs := "nothing"
	if app.Release != "" {
		runs = releaseTag(app.Release)
	}
	return failed(app.Name, "fix the cause and release again, or go back to a release that works",
		"it runs %s instead of %s: %s", runs, releaseTag(app.Wanted), why(status, app.Name))
}

// why returns the problem that the host reports about an app since its last attempt to update it, or about itself if
// app is "".
func why(status contract.Status, app string) string {
	var all []string
	for _, p := range status.Problems {
		if p.App != app && p.App != "" {
			continue
		}
		text := p.Error
		if len(p.Lines) > 0 {
			text += "; its last line: " + p.Lines[len(p.Lines)-1]
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "the host has not tried it yet"
	}
	return strings.Join(all, "; ")
}

// releaseTag returns a release without its digest.
func releaseTag(release string) string {
	tag, _, _ := strings.Cut(release, "@")
	return tag
}

func checkPublished(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	var bad []string
	look := func(s contract.ServiceStatus) {
		if s.Name != caddyService && len(s.Ports) > 0 {
			bad = append(bad, fmt.Sprintf("%s publishes %s", s.Name, strings.Join(s.Ports, ", ")))
		}
	}
	for _, s := range status.Services {
		look(s)
	}
	for _, s := range status.Apps {
		look(s.ServiceStatus)
	}
	if len(bad) > 0 {
		return []finding{failed("", w.again(), "%s", strings.Join(bad, "; "))}, nil
	}
	return []finding{passed("", "only Caddy's")}, nil
}
