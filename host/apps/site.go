package apps

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"webstack/contract"
)

// writeSites writes what Caddy answers for each app: the app itself if it has a live container, unless it is in
// maintenance or one of withdrawn. Caddy uses it when it loads its config.
func (h *Host) writeSites(withdrawn ...string) error {
	live, err := h.hosts()
	if err != nil {
		return err
	}
	for _, app := range h.Manifest.Apps {
		_, released := live[app.Name]
		off, err := h.InMaintenance(app.Name)
		if err != nil {
			return err
		}
		site := contract.UnreleasedSite()
		switch {
		case off:
			site = contract.MaintenanceSite(app.Name)
		case released && !slices.Contains(withdrawn, app.Name):
			site = contract.ReleasedSite()
		}
		if _, err := h.write(contract.SitesDir+"/"+app.Name, site); err != nil {
			return err
		}
	}
	return nil
}

// InMaintenance reports whether visitors of an app get its maintenance page.
func (h *Host) InMaintenance(app string) (bool, error) {
	_, err := os.Stat(h.maintenancePage(app))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("find out whether %s is in maintenance: %w", app, err)
	}
	return true, nil
}

func (h *Host) maintenancePage(app string) string {
	return filepath.Join(h.Data, contract.MaintenancePage(app))
}

// pageHTML is a maintenance page, with the message in place of %s.
const pageHTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Maintenance</title>
<style>body{font:1.2rem/1.6 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1rem;text-align:center}</style>
<p>%s</p>
</html>
`

// Maintain puts an app into maintenance with a message for its visitors, or takes it out.
func (h *Host) Maintain(ctx context.Context, app string, on bool, message string) error {
	var err error
	if page := h.maintenancePage(app); on {
		err = writePage(page, fmt.Appendf(nil, pageHTML, html.EscapeString(message)))
	} else {
		err = h.removePage(app)
	}
	if err != nil {
		return fmt.Errorf("change the maintenance page: %w", err)
	}
	if err := h.Proxy(ctx); err != nil {
		return err
	}
	if on {
		h.say("%s: its visitors get the maintenance page", app)
	} else {
		h.say("%s: it is not in maintenance", app)
	}
	return nil
}

// removePage removes the maintenance page of an app that is gone.
func (h *Host) removePage(app string) error {
	if err := os.Remove(h.maintenancePage(app)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the maintenance page: %w", err)
	}
	return nil
}

// writePage replaces a page that Caddy may be reading.
func writePage(page string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(page), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(page+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(page+".new", page)
}
