package converge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"webstack/contract"
	"webstack/host/database"
	"webstack/internal/filelock"
)

// Store is where the bundle's objects are.
type Store interface {
	// Get opens the object at key, or fails with an error that names it.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
}

// Parameters is Parameter Store; see package parameters.
type Parameters interface {
	ByPath(ctx context.Context, path string) (map[string]string, error)
	ByName(ctx context.Context, names []string) (found map[string]string, failed map[string]error, err error)
}

// Host is what a stack needs in addition to the files in its directory.
type Host struct {
	// Mount mounts the data volume; nothing else is done when it fails.
	Mount func(ctx context.Context) error
	// Swap sets up swap.
	Swap func(ctx context.Context) error
	// Boot installs what the host does at boot and at shutdown.
	Boot func(ctx context.Context) error
	// Reserve is the reserved space on the disk of the stack directory, which is root.
	Reserve func(root *os.Root) Reserve
	// Firewall limits the connections to the web ports.
	Firewall func(ctx context.Context, web contract.Web) error
	// Tell tells people why a converge fails; the reason is "" when converges succeed again.
	Tell func(ctx context.Context, m contract.Manifest, reason string)
	// StackDirs lists the stack directories that the stack's containers were started from.
	StackDirs func(ctx context.Context) ([]string, error)
	// Parameters reads the stack's secrets and releases, and the apps' own certificates.
	Parameters Parameters
	// Heal records the deploys that were killed before they could.
	Heal func(ctx context.Context, root *os.Root, m contract.Manifest) error
	// HealRestore ends a restore that was killed while it replaced a database.
	HealRestore func(ctx context.Context, root *os.Root, m contract.Manifest) error
	// Containers runs the containers of a manifest whose files are below root.
	Containers func(root *os.Root, m contract.Manifest) Containers
	// Postgres returns the container or, with an address ("host:port"), the external server with the superuser's password.
	Postgres func(user, address, password string) database.Server
	// LimitConnections limits the connections to the Postgres container, per app's container and in total; 0 if there is
	// no such container.
	LimitConnections func(ctx context.Context, perContainer, total int) error
}

// Containers runs the stack's containers; see package apps.
type Containers interface {
	// Base runs Postgres and Caddy, and returns when they are healthy.
	Base(ctx context.Context) error
	// Converge makes each app run its release, makes Caddy use the current files, and removes what is left of apps that
	// are not in the manifest. An app without a release does not run. Problems of single apps are returned by app.
	Converge(ctx context.Context, releases map[string]string) (problems map[string]error, err error)
}

// Reserve is reserved disk space: Open frees it if the disk is full, Close reserves it again if there is enough space.
type Reserve interface {
	Open() error
	Close() error
}

// Options configure Run.
type Options struct {
	// Store holds the bundle.
	Store Store
	// ManifestSHA256 is the checksum that the bundle's manifest must have: 64 lower-case hexadecimal digits.
	ManifestSHA256 string
	// StackDir is the absolute stack directory. It is created if it is missing.
	StackDir string
	// Host is the rest of the host.
	Host Host
	// Out gets a line for each change, and a summary.
	Out io.Writer
}

// Run applies the bundle and the parameters in Parameter Store to the host. It changes files under the stack directory
// only after it has read the manifest and every file that differs, and verified their checksums. It removes files of
// the last applied bundle that are no longer part of it. A problem with one app does not affect the others; it is part
// of the returned error. If nothing differs, nothing is written, restarted or reloaded. Runs wait for each other.
func Run(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.StackDir, 0o755); err != nil {
		return fmt.Errorf("create stack directory: %w", err)
	}
	release, err := filelock.Acquire(ctx, contract.Paths{StackDir: o.StackDir}.Lock(), func() {
		_, _ = fmt.Fprintln(o.Out, "waiting for another run to finish")
	})
	if err != nil {
		return err
	}
	defer release()
	// An os.Root keeps every path below the stack directory, whatever links exist.
	root, err := os.OpenRoot(o.StackDir)
	if err != nil {
		return fmt.Errorf("open stack directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	reserve := o.Host.Reserve(root)
	if err := reserve.Open(); err != nil {
		return err
	}
	r := &run{Options: o, root: root}
	err = r.converge(ctx)
	news, lost := r.remember(err)
	r.tell(ctx, news)
	err = errors.Join(err, lost)
	if full := reserve.Close(); full != nil {
		_, _ = fmt.Fprintln(o.Out, full)
	}
	return err
}

type run struct {
	Options
	root       *os.Root
	manifest   contract.Manifest
	containers Containers
	parameters map[string]string
	releases   map[string]string // that the apps should run; nil until known
	problems   []problem         // with single parts, which do not affect the others
}

func (r *run) converge(ctx context.Context) error {
	if err := r.Host.Mount(ctx); err != nil {
		return err
	}
	if err := r.Host.Swap(ctx); err != nil {
		// A host works without swap.
		r.problems = append(r.problems, problem{err: err})
	}
	if err := r.move(ctx); err != nil {
		return err
	}
	done, err := r.apply(ctx)
	if err != nil {
		return err
	}
	r.containers = r.Host.Containers(r.root, done.manifest)
	if err := r.Host.Firewall(ctx, done.manifest.Web); err != nil {
		// Some kernels cannot do this, and sites work without it.
		_, _ = fmt.Fprintf(r.Out, "web ports: one address can take all connections: %v\n", err)
	}
	if err := r.Host.Boot(ctx); err != nil {
		r.problems = append(r.problems, problem{err: err})
	}
	for _, step := range []func(context.Context) error{
		r.readParameters, r.writeSecrets, r.writeCertificates, r.containers.Base, r.healRestore, r.ensureDatabases,
		r.convergeApps, r.healDeploys,
	} {
		if err := step(ctx); err != nil {
			r.problems = append(r.problems, problem{err: err})
			break
		}
	}
	if err := r.failure(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.Out, "converged to manifest %.12s: %d of %d files changed, %d removed\n",
		r.ManifestSHA256, done.changed, len(done.manifest.Files), done.removed)
	return err
}
