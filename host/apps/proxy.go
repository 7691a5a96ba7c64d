package apps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/docker"
	"webstack/internal/filelock"
)

// caddyStatePath is where the host remembers what Caddy has loaded.
const caddyStatePath = contract.StateDir + "/caddy.json"

// loaded is what Caddy has loaded.
type loaded struct {
	// Container and StartedAt identify the run of Caddy that has loaded it: a new one reads the files itself.
	Container string `json:"container"`
	StartedAt string `json:"startedAt"`
	// Config is the checksum of the Caddyfile and its imports, Certificates that of the apps' own certificates; "" = none.
	Config       string `json:"config"`
	Certificates string `json:"certificates"`
}

// proxyLock is held while Caddy gets another config.
const proxyLock = contract.StateDir + "/caddy.lock"

// Proxy makes Caddy use the current Caddyfile and certificates. It does nothing if Caddy already uses them. If Caddy
// cannot use them, it fails, and Caddy keeps its current config.
func (h *Host) Proxy(ctx context.Context) error { return h.proxy(ctx) }

// proxy does that as if withdrawn apps had no release.
func (h *Host) proxy(ctx context.Context, withdrawn ...string) error {
	// Maintenance begins and ends while a deploy or converge runs.
	if err := h.Root.MkdirAll(contract.StateDir, 0o755); err != nil {
		return fmt.Errorf("create %s: %w", contract.StateDir, err)
	}
	release, err := filelock.Acquire(ctx, filepath.Join(h.Root.Name(), proxyLock), func() {})
	if err != nil {
		return err
	}
	defer release()
	if err := h.writeSites(withdrawn...); err != nil {
		return err
	}
	caddyfile, want, err := h.proxyFiles()
	if err != nil {
		return err
	}
	running, err := h.containers(ctx, contract.CaddyService)
	if err != nil {
		return err
	}
	if len(running) != 1 || !running[0].Running() {
		return errors.New("load the Caddyfile: Caddy is not running")
	}
	want.run(running[0])
	var last loaded
	if content, err := h.Root.ReadFile(caddyStatePath); err == nil {
		// A state that cannot be read means that nothing is loaded.
		_ = json.Unmarshal(content, &last)
	}
	if last == want {
		return nil
	}
	// If the config is the same, Caddy does not read the certificates unless it is forced to.
	force := last.Certificates != want.Certificates
	load := h.loadQuietly
	if last == (loaded{}) || last.Config == want.Config && !force {
		// Caddy was started a moment ago and has read the files itself: it finds nothing to change.
		load = h.load
	}
	if err := load(ctx, running[0], caddyfile, force); err != nil {
		return fmt.Errorf("%w; it keeps its current config", err)
	}
	content, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		return err
	}
	_, err = h.write(caddyStatePath, append(content, '\n'))
	return err
}

// holdLimit is the maximum time that new connections wait while Caddy loads its config.
const holdLimit = 10 * time.Second

// loadQuietly makes Caddy load another config without failing any request. When it loads, Caddy closes connections
// whose first request it has not read. So new connections are held back meanwhile, and those that have just been opened
// get time to send their request. HTTP/2 and reused connections would not need it.
func (h *Host) loadQuietly(ctx context.Context, c docker.Container, caddyfile []byte, force bool) error {
	release, err := h.Docker.Hold(ctx, c, "80,443", holdLimit)
	if err != nil {
		h.say("caddy: new connections may fail while it loads its config: %v", err)
	} else {
		defer release()
		if err := wait(ctx, h.Timing.Settle); err != nil {
			return err
		}
	}
	if err := h.load(ctx, c, caddyfile, force); err != nil {
		return err
	}
	h.say("caddy: loaded its config")
	// Caddy closes its old listeners a moment after it has answered.
	return h.pause(ctx)
}

func (h *Host) load(ctx context.Context, _ docker.Container, caddyfile []byte, force bool) error {
	return h.Caddy.Load(ctx, caddyfile, force)
}

func (l *loaded) run(c docker.Container) { l.Container, l.StartedAt = c.ID, c.StartedAt }

// proxyFiles reads the Caddyfile and computes the checksums of everything that Caddy reads with it.
func (h *Host) proxyFiles() (caddyfile []byte, sums loaded, err error) {
	caddyfile, err = h.Root.ReadFile(contract.CaddyfilePath)
	if err != nil {
		return nil, loaded{}, fmt.Errorf("read the Caddyfile: %w", err)
	}
	config, certificates := []string{string(caddyfile)}, []string{}
	for _, app := range h.Manifest.Apps {
		dir := contract.TLSDir + "/" + app.Name + "/"
		which, err := h.Root.ReadFile(dir + contract.CertificateFile)
		if err != nil {
			return nil, loaded{}, fmt.Errorf("read the certificate setting of %s: %w", app.Name, err)
		}
		site, err := h.Root.ReadFile(contract.SitesDir + "/" + app.Name)
		if err != nil {
			return nil, loaded{}, fmt.Errorf("read what answers for %s: %w", app.Name, err)
		}
		config = append(config, app.Name, string(which), string(site))
		for _, name := range []string{contract.CertFile, contract.KeyFile} {
			content, err := h.Root.ReadFile(dir + name)
			switch {
			case err == nil:
				certificates = append(certificates, dir+name, string(content))
			case !errors.Is(err, fs.ErrNotExist):
				return nil, loaded{}, fmt.Errorf("read the certificate of %s: %w", app.Name, err)
			}
		}
	}
	return caddyfile, loaded{Config: sum(config), Certificates: sum(certificates)}, nil
}

// sum returns the checksum of all parts, "" for none.
func sum(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return contract.Sum([]byte(strings.Join(parts, "\x00")))
}
