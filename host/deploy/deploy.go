package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"webstack/contract"
	"webstack/internal/filelock"
	"webstack/internal/printable"
)

// Parameters is Parameter Store; see package parameters.
type Parameters interface {
	ByName(ctx context.Context, names []string) (found map[string]string, failed map[string]error, err error)
	// History returns the values that a parameter had, the newest first.
	History(ctx context.Context, name string) ([]string, error)
	Put(ctx context.Context, name, value string) error
}

// Apps runs the apps of a manifest; see package apps.
type Apps interface {
	// Begin removes what a deploy of the app that was killed has left.
	Begin(ctx context.Context, app contract.ManifestApp) error
	// Pin gets the image of a release and returns the release with the image's digest, which the registry says.
	Pin(ctx context.Context, app contract.ManifestApp, release string) (string, error)
	// PinEarlier is Pin for a release that was deployed before. It asks the registry only if the host lacks the image.
	PinEarlier(ctx context.Context, app contract.ManifestApp, release string) error
	// Prepare runs the app's release command in the image of a release.
	Prepare(ctx context.Context, app contract.ManifestApp, release string) error
	// Switch makes the app run an image. It calls commit when the new container is healthy and gets no requests yet.
	Switch(ctx context.Context, app contract.ManifestApp, image string, commit func(context.Context) error) (bool, error)
	// Proxy makes Caddy use the current files.
	Proxy(ctx context.Context) error
	// SayFailed prints why an app could not be changed.
	SayFailed(app string, err error)
	// Tidy removes images that are no longer needed.
	Tidy(ctx context.Context) error
}

// Options configure Run.
type Options struct {
	// StackDir is the absolute stack directory.
	StackDir string
	// App is the app's name.
	App string
	// Release is what to deploy: TAG, TAG@sha256:DIGEST or sha256:DIGEST. For a rollback it is one that was deployed
	// before, or "" for the previous one.
	Release string
	// Rollback goes back to a release that was deployed before.
	Rollback bool
	// ID is the ID of the command, by which Watch finds the output; "" makes one up.
	ID string
	// By, Commit and Run are recorded; see contract.Deploy.
	By, Commit, Run string
	// Parameters records the release and the deploy.
	Parameters func(ctx context.Context, region string) (Parameters, error)
	// Apps runs the apps of a manifest whose files are below root, and prints what it does to out.
	Apps func(ctx context.Context, root *os.Root, m contract.Manifest, out io.Writer) (Apps, error)
	// Protect keeps the images of the app's live and previous release from expiring in the registry. previous is ""
	// without one. nil protects nothing.
	Protect func(ctx context.Context, app contract.ManifestApp, live, previous string) error
	// HealRestore ends a restore that was killed while it replaced a database, and fails if it cannot; nil ends none.
	HealRestore func(ctx context.Context, root *os.Root, m contract.Manifest, out io.Writer) error
	// Failed is called if the deploy failed, unless the manifest has no such app, and gets the reason and the
	// output of the deploy; it may be nil.
	Failed func(ctx context.Context, m contract.Manifest, reason string, out io.Writer)
	// Out gets a line for each step.
	Out io.Writer
}

// ErrFailed says that a deploy failed. The reason has been printed and recorded.
var ErrFailed = errors.New("the deploy failed")

// Run deploys a release of an app. Deploys and converges wait for each other. When it fails, the release that was live
// stays live.
func Run(ctx context.Context, o Options) error {
	root, err := os.OpenRoot(o.StackDir)
	if err != nil {
		return fmt.Errorf("open stack directory: %w; the host has not been set up yet: run pulumi up", err)
	}
	defer func() { _ = root.Close() }()
	d := &deploy{Options: o, root: root}
	if err := d.openLog(); err != nil {
		return err
	}
	defer func() { _ = d.log.Close() }()
	release, err := filelock.Acquire(ctx, contract.Paths{StackDir: o.StackDir}.Lock(), func() {
		d.say("waiting for another deploy or converge to finish")
	})
	if err != nil {
		return err
	}
	defer release()
	if err := d.begin(ctx); err != nil {
		d.say("%s: failed: %v", o.App, err)
		return d.failed(ctx, err)
	}
	return d.end(ctx, d.deploy(ctx))
}

// deploy is one run of Run.
type deploy struct {
	Options
	root     *os.Root
	manifest contract.Manifest
	log      io.Closer
	out      io.Writer // Out and the log
	app      contract.ManifestApp
	base     string
	store    Parameters
	apps     Apps
	running
	before string // the release parameter
}

func (d *deploy) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

// begin finds the app and notes that a deploy of it has begun.
func (d *deploy) begin(ctx context.Context) error {
	m, app, err := FindApp(d.root, d.App)
	if err != nil {
		return err
	}
	d.manifest, d.app = m, app
	d.base = contract.BasePath(m.Project, m.Stack)
	if d.store, err = d.Parameters(ctx, m.Region); err != nil {
		return err
	}
	if d.apps, err = d.Apps(ctx, d.root, m, d.out); err != nil {
		return err
	}
	if d.HealRestore != nil {
		if err := d.HealRestore(ctx, d.root, m, d.out); err != nil {
			return err
		}
	}
	if err := d.apps.Begin(ctx, d.app); err != nil {
		return err
	}
	if err := heal(ctx, d.root, d.store, d.base, d.App); err != nil {
		return err
	}
	d.running = running{PID: os.Getpid(), Record: contract.Deploy{
		ID: d.ID, At: time.Now().UTC().Truncate(time.Millisecond), Release: d.Release, Rollback: d.Rollback,
		By: d.By, Commit: d.Commit, Run: d.Run,
	}}
	return d.writeRecord()
}

// FindApp returns the manifest that was applied below a stack directory, and an app of it.
func FindApp(root *os.Root, name string) (m contract.Manifest, app contract.ManifestApp, err error) {
	text, err := root.ReadFile(contract.ManifestPath)
	if err != nil {
		return m, app, fmt.Errorf("read what the stack has: %w; run pulumi up", err)
	}
	if m, err = contract.DecodeManifest(text); err != nil {
		return m, app, err
	}
	app, ok := m.App(name)
	if !ok {
		return m, app, fmt.Errorf("find app %s: the stack on this host has no such app; run pulumi up", name)
	}
	return m, app, nil
}

// deploy does the work.
func (d *deploy) deploy(ctx context.Context) error {
	live := contract.AppReleaseParam(d.base, d.App)
	found, failed, err := d.store.ByName(ctx, []string{live})
	if err := errors.Join(err, failed[live]); err != nil {
		return err
	}
	d.before = found[live]
	release := d.Release
	if d.Rollback {
		if release, err = d.earlier(ctx); err != nil {
			return err
		}
	}
	if release, err = contract.ParseRelease(release); err != nil {
		return err
	}
	if tag, _ := contract.SplitRelease(release); strings.HasPrefix(tag, contract.PinTagPrefix) {
		return fmt.Errorf("deploy %s: tags that begin with %s are the host's own", tag, contract.PinTagPrefix)
	}
	if d.Rollback {
		err = d.apps.PinEarlier(ctx, d.app, release)
	} else {
		release, err = d.apps.Pin(ctx, d.app, release)
	}
	if err != nil {
		return err
	}
	d.Record.Release = release
	if err := d.writeRecord(); err != nil {
		return err
	}
	if !d.Rollback { // a migration that has run once must not run again, and an older one may not fit
		if err := d.prepare(ctx, release); err != nil {
			return err
		}
	}
	if err := d.switchTo(ctx, release); err != nil {
		return err
	}
	d.protect(ctx, release)
	return nil
}

// prepare runs the app's release command. It waits for a dump of the app's database: a migration would wait for the locks
// that the dump holds, and everything else that uses the tables would wait behind the migration.
func (d *deploy) prepare(ctx context.Context, release string) error {
	if len(d.app.ReleaseCommand) > 0 {
		lock := filepath.Join(d.StackDir, contract.DatabaseLockPath(d.app.Database))
		unlock, err := filelock.Acquire(ctx, lock, func() { d.say("%s: waiting for a backup of its database", d.App) })
		if err != nil {
			return err
		}
		defer unlock()
	}
	return d.apps.Prepare(ctx, d.app, release)
}

// earlier returns the release to go back to.
func (d *deploy) earlier(ctx context.Context) (string, error) {
	values, err := d.store.History(ctx, contract.AppDeployParam(d.base, d.App))
	if err != nil {
		return "", err
	}
	all := contract.DecodeDeploys(values)
	if d.Release == "" {
		if release := contract.PreviousRelease(all, d.before); release != "" {
			return release, nil
		}
		return "", errors.New("there is no previous release")
	}
	if release := contract.DeployedRelease(all, d.Release); release != "" {
		return release, nil
	}
	return "", fmt.Errorf("%s was not deployed successfully in the last %d deploys; deploy it instead", d.Release,
		contract.MaxDeploys)
}

// switchTo makes a release live. It is recorded before it gets requests, so that a converge never goes back to the old
// one afterwards.
func (d *deploy) switchTo(ctx context.Context, release string) error {
	live, committed := contract.AppReleaseParam(d.base, d.App), false
	switched, err := d.apps.Switch(ctx, d.app, contract.ReleaseImage(d.app.Repository, release),
		func(ctx context.Context) error {
			committed, d.Committed = true, true
			if err := d.writeRecord(); err != nil {
				return err
			}
			return d.store.Put(ctx, live, release)
		})
	if switched {
		// The release is live: what else goes wrong is repaired by the next converge.
		for _, wrong := range []error{err, d.remember(release), d.apps.Proxy(ctx)} {
			if wrong != nil {
				d.say("%s: warning: the next converge tries this again: %v", d.App, wrong)
			}
		}
		return ctx.Err()
	}
	if committed {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, d.store.Put(ctx, live, d.before))
	}
	return err
}

// protect keeps the registry from expiring the images that may be needed. The release is live without it too.
func (d *deploy) protect(ctx context.Context, release string) {
	if d.Protect != nil {
		values, err := d.store.History(ctx, contract.AppDeployParam(d.base, d.App))
		previous := contract.PreviousRelease(contract.DecodeDeploys(values), release)
		if err := errors.Join(err, d.Protect(ctx, d.app, release, previous)); err != nil {
			d.say("%s: warning: its images may expire in the registry: %v", d.App, err)
		}
	}
	if err := d.apps.Tidy(ctx); err != nil {
		d.say("%s: warning: old images stay: %v", d.App, err)
	}
}

// end prints and records how the deploy ended.
func (d *deploy) end(ctx context.Context, err error) error {
	d.Record.Seconds = time.Since(d.Record.At).Round(100 * time.Millisecond).Seconds()
	d.Record.Result = contract.DeploySucceeded
	if err != nil {
		d.Record.Result, d.Record.Error = contract.DeployFailed, printable.OneLine(err)
		d.apps.SayFailed(d.App, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if lost := d.store.Put(ctx, contract.AppDeployParam(d.base, d.App), d.Record.Encode()); lost != nil {
		d.say("%s: warning: this deploy is not in the list of releases: %v", d.App, lost)
	} else if lost := d.removeRecord(); lost != nil {
		d.say("%s: warning: %v", d.App, lost)
	}
	if err == nil {
		did := "deployed"
		if d.Rollback {
			did = "rolled back to"
		}
		d.say("%s: %s %s in %s", d.App, did, contract.ShortRelease(d.Record.Release), seconds(d.Record.Seconds))
		return nil
	}
	if d.before == "" || d.before == contract.NoRelease {
		d.say("%s: it still has no release", d.App)
	} else {
		d.say("%s: %s stays live", d.App, contract.ShortRelease(d.before))
	}
	return d.failed(ctx, err)
}

// failed tells people about a failed deploy, unless there is no such app.
func (d *deploy) failed(ctx context.Context, err error) error {
	if d.Failed != nil && d.app.Name != "" {
		d.Failed(ctx, d.manifest, printable.OneLine(err), d.out)
	}
	return ErrFailed
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond)
}
