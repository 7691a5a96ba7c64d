package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/database"
	"webstack/host/runlog"
	"webstack/internal/filelock"
	"webstack/internal/printable"
)

// Store is the backup bucket.
type Store interface {
	// Put uploads an object, which must not exist yet, and returns its version.
	Put(ctx context.Context, key string, content io.ReaderAt, size int64) (version string, err error)
	// Replace uploads an object that may exist already.
	Replace(ctx context.Context, key string, content io.ReaderAt, size int64) error
	// Copy copies an object in the bucket over another, without downloading it, and returns the new version.
	Copy(ctx context.Context, from, to string, size int64) (version string, err error)
	// Exists reports whether there is an object.
	Exists(ctx context.Context, key string) (bool, error)
	// List returns the keys of the objects whose keys have a prefix, in their order.
	List(ctx context.Context, prefix string) ([]string, error)
	// Get downloads an object. The caller closes it.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
}

// Options configure Run.
type Options struct {
	// StackDir is the absolute stack directory.
	StackDir string
	// Apps are the names of the apps whose databases are backed up; without any, those of all apps and the default one.
	Apps []string
	// ID is the ID of the command, by which Watch finds the output; "" makes one up.
	ID string
	// Run runs the host's programs.
	Run command.Runner
	// Store opens the backup bucket in a region.
	Store func(ctx context.Context, region string) (Store, error)
	// Dir is where the dump and the throwaway server have their files, on the data volume.
	Dir string
	// Space returns the size and the free space of a directory's file system in bytes.
	Space func(dir string) (total, free int64, err error)
	// HealRestore ends a restore that was killed, before a backup: see the function of this name. nil ends none.
	HealRestore func(ctx context.Context, root *os.Root, m contract.Manifest, out io.Writer) error
	// Failed is called once if databases were not backed up or restored, and gets the reasons and
	// the output of the run; it may be nil.
	Failed func(ctx context.Context, m contract.Manifest, reason string, out io.Writer)
	// Now is the clock by which runs get their IDs; nil = time.Now.
	Now func() time.Time
	// Out gets a line for each step.
	Out io.Writer
}

func (o Options) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

// ErrFailed says that a database was not backed up. The reason has been printed.
var ErrFailed = errors.New("the backup failed")

// Watch prints what a backup has printed so far, from a byte on; nothing if it has not begun. id is the ID of its
// command.
func Watch(stackDir, id string, from int64, out io.Writer) error {
	return runlog.Watch(stackDir, contract.BackupLogsDir, id, from, out)
}

// run is one run of Run.
type run struct {
	Options
	server   // the Postgres of the host
	manifest contract.Manifest
	failures []string // what was not backed up or restored, and why
	program  string   // the SHA-256 of this program
	store    Store
	id       string
	dir      string // this run's files
	version  string
	image    image
	globals  contract.BackupObject
	scratch  *scratch
	out      io.Writer // Out and the log
}

// image is the image of the server.
type image struct{ reference, id string }

// target is a database to back up.
type target struct{ app, database string }

func (b *run) say(format string, args ...any) { _, _ = fmt.Fprintf(b.out, format+"\n", args...) }

// Run backs up databases, one after the other. Backups wait for each other, and the dump of a database and its migrations
// do, too.
func Run(ctx context.Context, o Options) error {
	return o.alone(ctx, contract.BackupLogsDir, "another backup", func(b *run, root *os.Root) error {
		targets, err := b.begin(ctx, root)
		defer b.end(ctx)
		if err != nil {
			b.say("failed: %v", err)
			b.failures = append(b.failures, printable.OneLine(err))
		} else {
			b.all(ctx, targets)
		}
		return b.result(ctx, ErrFailed)
	})
}

// alone calls do with a new run, whose output goes to a file in logs, too, while no other backup or restore runs. others
// says what it may have to wait for.
func (o Options) alone(ctx context.Context, logs, others string, do func(b *run, root *os.Root) error) error {
	root, err := os.OpenRoot(o.StackDir)
	if err != nil {
		return fmt.Errorf("open stack directory: %w; the host has not been set up yet: run pulumi up", err)
	}
	defer func() { _ = root.Close() }()
	log, file, err := runlog.Open(root, logs, runlog.ID(o.ID))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	b := &run{Options: o, out: io.MultiWriter(o.Out, log)}
	release, err := filelock.Acquire(ctx, filepath.Join(o.StackDir, contract.BackupLockPath), func() {
		b.say("waiting for %s to finish", others)
	})
	if err != nil {
		return err
	}
	defer release()
	return do(b, root)
}

// begin finds out what to back up, and makes room for it.
func (b *run) begin(ctx context.Context, root *os.Root) ([]target, error) {
	targets, err := b.read(root)
	if err != nil {
		return nil, err
	}
	if b.manifest.ExternalPostgres {
		return nil, errors.New("back up an external Postgres: this version backs up only the Postgres on the host; RDS keeps " +
			"automated backups for backupRetentionDays, from which it restores to a new RDS instance")
	}
	if b.HealRestore != nil {
		if err := b.HealRestore(ctx, root, b.manifest, b.out); err != nil {
			b.say("warning: %s", printable.OneLine(err))
		}
	}
	return targets, b.prepare(ctx)
}

// read reads what the stack has, and returns the chosen databases.
func (b *run) read(root *os.Root) ([]target, error) {
	text, err := root.ReadFile(contract.ManifestPath)
	if err != nil {
		return nil, fmt.Errorf("read what the stack has: %w; run pulumi up", err)
	}
	if b.manifest, err = contract.DecodeManifest(text); err != nil {
		return nil, err
	}
	return b.targets()
}

// prepare connects to the server and the bucket, removes what killed runs have left, and makes a directory for this one.
func (b *run) prepare(ctx context.Context) (err error) {
	b.server = server{run: b.Run, container: contract.PostgresService, user: b.manifest.PostgresUser}
	for _, f := range b.manifest.Files {
		if f.Path == contract.HostProgramPath {
			b.program = f.SHA256
		}
	}
	b.id = contract.BackupID(b.now())
	b.dir = filepath.Join(b.Dir, b.id)
	if b.store, err = b.Store(ctx, b.manifest.Region); err != nil {
		return err
	}
	if err := b.inspect(ctx); err != nil {
		return err
	}
	if err := b.tidy(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("create the directory of the run: %w", err)
	}
	return nil
}

// targets returns the databases to back up.
func (b *run) targets() ([]target, error) {
	var all []target
	for _, app := range b.manifest.Apps {
		if len(b.Apps) == 0 || slices.Contains(b.Apps, app.Name) {
			all = append(all, target{app.Name, app.Database})
		}
	}
	for _, name := range b.Apps {
		if _, ok := b.manifest.App(name); !ok {
			return nil, fmt.Errorf("find app %s: the stack on this host has no such app; run pulumi up", name)
		}
	}
	if len(b.Apps) == 0 {
		all = append(all, target{"", b.manifest.PostgresDefaultDb})
	}
	return all, nil
}

// inspect reads the version and the image of the server.
func (b *run) inspect(ctx context.Context) (err error) {
	out, err := b.Run.Run(ctx, command.Command{
		Name: "docker", Args: []string{"inspect", "--format", "{{.Config.Image}} {{.Image}}", b.container},
	})
	if err != nil {
		return fmt.Errorf("inspect the container of Postgres: %w", err)
	}
	fields := strings.Fields(string(out))
	if len(fields) != 2 {
		return fmt.Errorf("inspect the container of Postgres: it has the image %q", out)
	}
	b.image = image{fields[0], fields[1]}
	if b.version, err = b.exec(ctx, database.Maintenance, "SHOW server_version"); err != nil {
		return fmt.Errorf("connect to Postgres: %w", err)
	}
	b.version, _, _ = strings.Cut(b.version, " ")
	return nil
}

// result reports the failures, if there are any, and then returns failed.
func (b *run) result(ctx context.Context, failed error) error {
	if len(b.failures) == 0 {
		return nil
	}
	if b.Failed != nil {
		b.Failed(ctx, b.manifest, strings.Join(b.failures, "\n"), b.out)
	}
	return failed
}

// all backs up all databases and prints how many were verified.
func (b *run) all(ctx context.Context, targets []target) {
	b.say("backup %s of %d %s", b.id, len(targets), plural(len(targets), "database"))
	globals, err := b.putGlobals(ctx)
	if err != nil {
		b.say("failed: %v", err)
		b.failures = append(b.failures, printable.OneLine(err))
	}
	verified := 0
	for _, t := range targets {
		if err == nil && b.one(ctx, t, globals) {
			verified++
		}
	}
	b.say("%d of %d %s verified", verified, len(targets), plural(len(targets), "database"))
}

// one backs up a database, and reports whether its backup was verified. When the dump fails, it waits for a deploy or
// converge in progress, which may have been the cause, and tries once more.
func (b *run) one(ctx context.Context, t target, globals []byte) bool {
	at := time.Now()
	err := b.database(ctx, t, globals)
	if dumping := (*dumpError)(nil); errors.As(err, &dumping) && ctx.Err() == nil {
		b.say("%s: trying again: %v", t.database, err)
		b.waitForOthers(ctx)
		err = b.database(ctx, t, globals)
	}
	if err == nil {
		return true
	}
	b.say("%s: FAILED: %v", t.database, err)
	b.failures = append(b.failures, t.database+": "+printable.OneLine(err))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := errors.Join(b.disconnect(ctx), b.stopScratch(ctx), os.RemoveAll(filepath.Join(b.dir, dumpFile))); err != nil {
		b.say("%s: warning: %v", t.database, err)
	}
	failure := contract.BackupFailure{
		Version: contract.BackupVersion, ID: b.id, Database: t.database, At: at.UTC().Truncate(time.Second), Error: err.Error(),
	}.Encode()
	key := contract.BackupKey(b.id, t.database, contract.BackupFailed)
	if _, err := b.store.Put(ctx, key, strings.NewReader(string(failure)), int64(len(failure))); err != nil {
		b.say("%s: warning: the reason is not in the list of backups: %v", t.database, err)
	}
	return false
}

// waitForOthers waits until no deploy or converge runs, for a while.
func (b *run) waitForOthers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	if release, err := filelock.Acquire(ctx, contract.Paths{StackDir: b.StackDir}.Lock(), nil); err == nil {
		release()
	}
}

func (b *run) stopScratch(ctx context.Context) error {
	b.scratch = nil
	return b.removeScratch(ctx)
}

// end removes everything that the run has on the host.
func (b *run) end(ctx context.Context) {
	if b.dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := errors.Join(b.stopScratch(ctx), os.RemoveAll(b.dir)); err != nil {
		b.say("warning: %v", err)
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
