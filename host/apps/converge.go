package apps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"webstack/contract"
	"webstack/host/docker"
	"webstack/host/files"
)

// Converge makes every app of the manifest run its release. releases maps each app to the value of its release
// parameter (see contract.ParseRelease). An app that is not in it, or has "", has no release and answers 503. Then
// Converge loads Caddy's config, and removes apps that are no longer in the manifest, but not their databases, and
// images that no rollback needs.
//
// An app that fails keeps its old release and does not stop the others. problems says why, by app.
func (h *Host) Converge(ctx context.Context, releases map[string]string) (problems map[string]error, err error) {
	problems = map[string]error{}
	for _, app := range h.Manifest.Apps {
		if err := h.convergeApp(ctx, app, releases[app.Name]); err != nil {
			if ctx.Err() != nil {
				return problems, fmt.Errorf("app %s: %w", app.Name, err)
			}
			h.SayFailed(app.Name, err)
			problems[app.Name] = err
		}
	}
	// After the switches, so that a new app's virtual host has a container that answers; before the removals, so that no
	// request goes to a container that is gone.
	if err := h.Proxy(ctx); err != nil {
		return problems, err
	}
	return problems, errors.Join(h.removeGone(ctx), h.removeImages(ctx, releases), h.clean(ctx))
}

func (h *Host) convergeApp(ctx context.Context, app contract.ManifestApp, release string) error {
	if release == "" {
		return h.Withdraw(ctx, app.Name)
	}
	release, err := contract.ParseRelease(release)
	if err != nil {
		return err
	}
	_, err = h.Switch(ctx, app, contract.ReleaseImage(app.Repository, release), nil)
	return err
}

// removeGone removes what is left of apps that are no longer in the manifest, and of other services.
func (h *Host) removeGone(ctx context.Context) error {
	all, err := h.Docker.Containers(ctx)
	if err != nil {
		return err
	}
	records, err := h.Records()
	if err != nil {
		return err
	}
	gone := map[string][]docker.Container{}
	for _, c := range all {
		if !h.isService(c.Service) {
			gone[c.Service] = append(gone[c.Service], c)
		}
	}
	left, err := h.goneFiles()
	if err != nil {
		return err
	}
	for app := range left {
		gone[app] = append(gone[app], nil...)
	}
	live, err := h.hosts()
	if err != nil {
		return err
	}
	for app := range live {
		if !h.isService(app) {
			gone[app] = append(gone[app], nil...)
		}
	}
	for app := range records {
		if !h.isService(app) {
			gone[app] = append(gone[app], nil...)
		}
	}
	for _, app := range slices.Sorted(maps.Keys(gone)) {
		if err := h.removeApp(ctx, app, gone[app], left[app]); err != nil {
			return fmt.Errorf("remove app %s: %w", app, err)
		}
	}
	return nil
}

// isService reports whether a service with this name belongs to the host.
func (h *Host) isService(name string) bool {
	return h.isApp(name) || slices.Contains(h.base(), name)
}

// goneFiles finds the files and directories of apps that are gone, by app.
func (h *Host) goneFiles() (map[string][]string, error) {
	left := map[string][]string{}
	for _, at := range []struct{ dir, suffix string }{
		{contract.SitesDir, ""}, {contract.TLSDir, ""}, {contract.EnvDir, ".env"},
	} {
		names, err := files.Names(h.Root, at.dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			// A name with a dot is an unfinished file of a killed run; the next run writes it again.
			app, ok := strings.CutSuffix(name, at.suffix)
			if ok && !strings.Contains(app, ".") && !h.isApp(app) {
				left[app] = append(left[app], at.dir+"/"+name)
			}
		}
	}
	return left, nil
}

// removeApp removes an app that is gone: its files, container and images. Its record is removed last.
func (h *Host) removeApp(ctx context.Context, app string, containers []docker.Container, left []string) error {
	h.say("%s: removing it; its database stays", app)
	for _, name := range left {
		if _, err := files.Remove(h.Root, name); err != nil {
			return err
		}
	}
	if err := errors.Join(h.removePage(app), h.retire(ctx, app, containers)); err != nil {
		return err
	}
	// Last: now nobody has an address in the app's block.
	if err := h.setLive(app, nil); err != nil {
		return err
	}
	records, err := h.Records()
	if err != nil {
		return err
	}
	if r, ok := records[app]; ok {
		if err := h.removeRepository(ctx, r.Repository); err != nil {
			return err
		}
		return h.remember(app, nil)
	}
	return nil
}
