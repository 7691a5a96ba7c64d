// Package status reads the status of the host. What cannot be read is left empty, because the status matters most when
// the host has problems.
package status

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"webstack/contract"
	"webstack/host/backup"
	"webstack/host/database"
	"webstack/host/deploy"
	"webstack/host/docker"
	"webstack/host/memory"
	"webstack/host/volume"
)

// Options configure Read.
type Options struct {
	// StackDir is the stack directory.
	StackDir string
	// Engine knows the stack's containers.
	Engine *docker.Engine
	// Postgres returns what Postgres has in use, and fails if it does not accept connections.
	Postgres func(ctx context.Context, m contract.Manifest) (database.Usage, error)
	// Connect opens a connection by a DATABASE_URL, at address if that is not "", and closes it.
	Connect func(ctx context.Context, url, address string) error
	// Guarded reports whether the kernel limits connections to the Postgres container.
	Guarded func(ctx context.Context) bool
	// WebGuarded reports whether the connections to the web ports are limited.
	WebGuarded func(ctx context.Context, web contract.Web) bool
	// Root is where the file system begins; "" = "/".
	Root string
	// TLS is the address where Caddy answers; "" = 127.0.0.1:443.
	TLS string
}

// busy is how many apps are checked at the same time.
const busy = 16

// Read returns the status.
func Read(ctx context.Context, o Options) contract.Status {
	if o.Root == "" {
		o.Root = "/"
	}
	if o.TLS == "" {
		o.TLS = "127.0.0.1:443"
	}
	r := &reader{Options: o, now: time.Now().UTC().Truncate(time.Second)}
	s := contract.Status{Version: contract.StatusVersion, At: r.now, Boot: r.boot(), Memory: memory.Read(r.Root)}
	s.Manifest = r.readManifest()
	mount, err := volume.MountAt(r.in("/proc/self/mountinfo"), contract.DataDir)
	s.DataMounted = err == nil && mount != nil
	s.Disks = r.disks(s.DataMounted)
	s.Docker = r.engine(ctx)
	if s.Manifest != "" {
		s.Connections = r.connections(ctx)
		s.WebGuarded = r.WebGuarded(ctx, r.manifest.Web)
	}
	s.PostgresReady = s.Connections != nil
	last := r.lastRun()
	s.FailedAt, s.Problems = last.FailedAt, last.Problems
	r.wanted = last.Releases
	if text, err := os.ReadFile(r.paths().Hosts()); err == nil && s.Manifest != "" {
		r.hosts = contract.ParseHosts(text, r.manifest.Edge())
	}
	s.Services = r.services()
	s.Apps = r.apps(ctx)
	if authority, err := os.ReadFile(r.in(caddyAuthority)); err == nil {
		s.Authority = string(authority)
	}
	return s
}

// caddyAuthority is where Caddy keeps the certificate of its own authority.
const caddyAuthority = contract.CaddyDataDir + "/caddy/pki/authorities/local/root.crt"

type reader struct {
	Options
	now        time.Time
	manifest   contract.Manifest
	containers []docker.Container
	written    map[string]int64   // by container ID
	usage      *database.Usage    // nil if Postgres does not accept connections
	sockets    map[netip.Addr]int // connections to Postgres by address
	killed     map[string]int     // see kills
	wanted     map[string]string  // releases, by app
	hosts      contract.Hosts     // the live containers
}

func (r *reader) in(path string) string { return filepath.Join(r.Root, path) }

func (r *reader) paths() contract.Paths { return contract.Paths{StackDir: r.StackDir} }

// readManifest reads the last applied manifest and returns its checksum.
func (r *reader) readManifest() string {
	text, err := os.ReadFile(r.paths().Manifest())
	if err != nil {
		return ""
	}
	if r.manifest, err = contract.DecodeManifest(text); err != nil {
		return ""
	}
	return contract.Sum(text)
}

// lastRun reads the wanted releases of the last converge, and why it failed.
func (r *reader) lastRun() contract.LastRun {
	text, err := os.ReadFile(r.paths().LastRun())
	if err != nil {
		return contract.LastRun{}
	}
	return contract.DecodeLastRun(text)
}

// engine lists the containers and returns the version of the engine.
func (r *reader) engine(ctx context.Context) string {
	version, err := r.Engine.Version(ctx)
	if err != nil {
		return ""
	}
	if r.containers, err = r.Engine.Containers(ctx); err != nil {
		return ""
	}
	slow, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// This may take long: a container may have written millions of files.
	r.written, _ = r.Engine.Written(slow)
	r.killed = r.kills(ctx)
	return version
}

func (r *reader) services() []contract.ServiceStatus {
	names := []string{contract.CaddyService}
	if !r.manifest.ExternalPostgres {
		names = append(names, contract.PostgresService)
	}
	var all []contract.ServiceStatus
	for _, name := range names {
		s := contract.ServiceStatus{Name: name, Health: contract.HealthNone}
		if c, ok := r.container(name); ok {
			s = r.describe(name, c)
		}
		all = append(all, s)
	}
	return all
}

// container finds the container of a service: the live one, otherwise a running one, otherwise any.
func (r *reader) container(service string) (found docker.Container, ok bool) {
	for _, c := range r.containers {
		if c.Service != service {
			continue
		}
		if r.live(c) {
			return c, true
		}
		if !ok || c.Running() && !found.Running() {
			found, ok = c, true
		}
	}
	return found, ok
}

func (r *reader) describe(name string, c docker.Container) contract.ServiceStatus {
	s := contract.ServiceStatus{
		Name: name, State: c.Status, Health: c.Health, Restarts: c.Restarts, Ports: slices.Clone(c.Ports),
		MemoryLimit: c.Memory, MemoryKills: r.memoryKills(c),
	}
	if !c.Running() {
		s.ExitCode = c.ExitCode
	}
	if s.Health == "" {
		s.Health = contract.HealthNone
	}
	if started, err := time.Parse(time.RFC3339Nano, c.StartedAt); err == nil && started.Year() > 1 {
		s.Since = started.UTC().Truncate(time.Second)
	}
	return s
}

// apps checks all apps, several at a time.
func (r *reader) apps(ctx context.Context) []contract.AppStatus {
	all := make([]contract.AppStatus, len(r.manifest.Apps))
	slots := make(chan struct{}, busy)
	var wg sync.WaitGroup
	for i, app := range r.manifest.Apps {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			all[i] = r.app(ctx, app)
		})
	}
	wg.Wait()
	return all
}

func (r *reader) app(ctx context.Context, app contract.ManifestApp) contract.AppStatus {
	s := contract.AppStatus{
		Domain: app.Domain, Certificate: r.certificate(ctx, app), Database: r.database(ctx, app), Written: r.writtenBy(app.Name),
		Wanted: r.wanted[app.Name],
	}
	if _, err := os.Stat(r.in(contract.MaintenancePage(app.Name))); err == nil {
		s.Maintenance = true
	}
	s.Restoring = backup.Pending(r.in(contract.RestoreRecordFile), app.Name)
	if d, pid, ok := deploy.Running(r.StackDir, app.Name); ok {
		s.Deploying, s.DeployingSince = d.Release, d.At
		s.DeployKilled = !r.Engine.IsProcess(pid, "webstackctl")
	}
	s.ServiceStatus = contract.ServiceStatus{Name: app.Name, Health: contract.HealthNone}
	c, ok := r.container(app.Name)
	if !ok {
		return s
	}
	s.ServiceStatus = r.describe(app.Name, c)
	s.Release = contract.ReleaseOf(app.Repository, c.Image)
	if c.Running() {
		s.Health = r.health(ctx, app, c)
	}
	return s
}

// live reports whether Caddy sends an app's requests to this container.
func (r *reader) live(c docker.Container) bool {
	return r.hosts.Has(r.manifest.Edge(), c.Service, c.Fixed[contract.EdgeNetwork])
}
