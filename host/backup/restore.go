package backup

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
	"webstack/host/database"
	"webstack/host/runlog"
	"webstack/internal/filelock"
	"webstack/internal/lazyregexp"
	"webstack/internal/printable"
)

// ConfirmAll is what confirms a restore of all databases, those with data among them.
const ConfirmAll = "all"

// RestoreApps stops and starts the apps of a manifest; see package apps.
type RestoreApps interface {
	// InMaintenance reports whether an app's visitors get its maintenance page, and Maintain changes that.
	InMaintenance(app string) (bool, error)
	Maintain(ctx context.Context, app string, on bool, message string) error
	// Halt stops an app's containers, and Resume makes its release run and waits until it is healthy.
	Halt(ctx context.Context, app string) error
	Resume(ctx context.Context, app string) error
}

// RestoreOptions configure Restore.
type RestoreOptions struct {
	// Options say where the host and the bucket are. Without Apps, the databases of all apps and the default one are
	// restored.
	Options
	// At chooses the backup: "" or "latest" for the newest, its ID, or a time in RFC 3339 format for the newest backup
	// that has no later data.
	At string
	// To is the name of a new database to restore to; "" replaces the database.
	To string
	// Confirm is the name of the app or of its database, which must be given to replace it. For all databases it is
	// ConfirmAll; without it, only those that are empty are restored.
	Confirm string
	// Record is the path of contract.RestoreRecordFile.
	Record string
	// Containers runs the apps of a manifest whose files are below root, and prints what it does to out.
	Containers func(ctx context.Context, root *os.Root, m contract.Manifest, out io.Writer) (RestoreApps, error)
}

// ErrRestoreFailed says that a database was not restored, and is as it was. The reason has been printed.
var ErrRestoreFailed = errors.New("the restore failed")

// WatchRestore is Watch for a restore.
func WatchRestore(stackDir, id string, from int64, out io.Writer) error {
	return runlog.Watch(stackDir, contract.RestoreLogsDir, id, from, out)
}

// restore is one run of Restore.
type restore struct {
	*run
	o    RestoreOptions
	root *os.Root
	// called is when the restore was asked for. It may have to wait after that.
	called time.Time
	swap   swapper
}

// Restore restores databases, one after the other. Each is restored beside the live one and compared with its backup.
// Only then is the app stopped and the databases swapped. If anything fails, the app runs on the data that it had.
// Restores wait for backups and for each other; while an app is stopped, deploys and converges wait, too.
func Restore(ctx context.Context, o RestoreOptions) error {
	return withRestore(ctx, o, func(r *restore, targets []target) error {
		for _, t := range targets {
			if err := r.one(ctx, t); err != nil {
				r.say("%s: failed: %s", t.database, printable.OneLine(err))
				r.failures = append(r.failures, t.database+": "+printable.OneLine(err))
			}
		}
		if len(targets) > 1 {
			r.say("%d of %d databases restored", len(targets)-len(r.failures), len(targets))
		}
		return r.result(ctx, ErrRestoreFailed)
	})
}

// withRestore calls do with a run that holds the lock of backups, on a host without interrupted restores.
func withRestore(ctx context.Context, o RestoreOptions, do func(r *restore, targets []target) error) error {
	called := o.now()
	return o.alone(ctx, contract.RestoreLogsDir, "a backup or another restore", func(b *run, root *os.Root) error {
		r := &restore{run: b, o: o, root: root, called: called}
		targets, err := r.begin(ctx)
		defer r.end(ctx)
		if err != nil {
			r.say("failed: %s", printable.OneLine(err))
			r.failures = append(r.failures, printable.OneLine(err))
			return r.result(ctx, ErrRestoreFailed)
		}
		return do(r, targets)
	})
}

// begin reads what the stack has, checks the options, and ends what a killed restore has begun.
func (r *restore) begin(ctx context.Context) ([]target, error) {
	targets, err := r.read(r.root)
	if err != nil {
		return nil, err
	}
	if r.manifest.ExternalPostgres {
		return nil, errors.New("restore an external Postgres: this version restores only the Postgres on the host; restore RDS " +
			"from its automated backups to a new RDS instance")
	}
	if err := r.checkOptions(targets); err != nil {
		return nil, err
	}
	apps, err := r.o.Containers(ctx, r.root, r.manifest, r.out)
	if err != nil {
		return nil, err
	}
	r.swap = swapper{
		server:   server{run: r.Run, container: contract.PostgresService, user: r.manifest.PostgresUser},
		manifest: r.manifest, apps: apps, record: r.o.Record, out: r.out,
	}
	release, err := r.lockStack(ctx)
	if err != nil {
		return nil, err
	}
	err = r.swap.heal(ctx)
	release()
	switch {
	case err != nil && IsPending(r.swap.record):
		return nil, err
	case err != nil: // the app has its data, but is not healthy, which this restore may change
		r.say("warning: %s", printable.OneLine(err))
	}
	return targets, r.prepare(ctx)
}

// lockStack keeps deploys and converges away.
func (r *restore) lockStack(ctx context.Context) (release func(), err error) {
	return filelock.Acquire(ctx, contract.Paths{StackDir: r.StackDir}.Lock(), func() {
		r.say("waiting for a deploy or converge to finish")
	})
}

// newNameRE matches names for a database to restore to: those that need no quotes.
var newNameRE = lazyregexp.New("^" + contract.RestoreToPattern + "$")

// checkOptions refuses a restore of something else than what its caller means.
func (r *restore) checkOptions(targets []target) error {
	if _, err := r.chosen(); err != nil {
		return err
	}
	all := len(r.Apps) == 0
	switch {
	case r.o.To != "" && all:
		return errors.New("restore all databases beside the live ones: name one app")
	case r.o.To != "" && (!newNameRE.MatchString(r.o.To) || isRestoring(r.o.To) ||
		strings.Contains(r.o.To, before) || strings.Contains(r.o.To, undone)):
		return fmt.Errorf("restore to the database %q: use a name of at most 63 lower-case letters, digits and _ that begins with "+
			"a letter", r.o.To)
	case r.o.To != "":
		return nil
	case all && r.o.Confirm != "" && r.o.Confirm != ConfirmAll:
		return fmt.Errorf("confirm the restore of all databases: %q is not %q", r.o.Confirm, ConfirmAll)
	case all:
		return nil
	}
	for _, t := range targets {
		if r.o.Confirm == "" {
			return fmt.Errorf("confirm the restore: it replaces all data of the database %s; pass --confirm %s", t.database, t.app)
		}
		if r.o.Confirm != t.app && r.o.Confirm != t.database {
			return fmt.Errorf("confirm the restore: %q is not %s, whose data it would replace", r.o.Confirm, t.app)
		}
	}
	return nil
}

// one restores a database.
func (r *restore) one(ctx context.Context, t target) error {
	begun := time.Now()
	m, err := r.find(ctx, t.database)
	if err != nil {
		return err
	}
	r.say("%s: restoring the backup %s with the data of %s: %d %s, a dump of %s", t.database, m.ID,
		m.SnapshotAt.UTC().Format(time.DateTime+" UTC"), m.Rows(), plural(int(m.Rows()), "row"), size(m.Object.Bytes))
	if err := r.check(ctx, t, m); err != nil {
		return err
	}
	copied := restoringName(t.database, r.id)
	err = r.whileRoom(ctx, func(ctx context.Context) error { return r.load(ctx, m, copied) })
	if err == nil {
		if r.o.To != "" {
			err = r.publish(ctx, t, copied)
		} else {
			err = r.replace(ctx, t, copied)
		}
	}
	if err != nil {
		err = errors.Join(err, r.dropCopy(ctx, copied), os.RemoveAll(filepath.Join(r.dir, dumpFile)))
		return err
	}
	r.say("%s: restored in %s", t.database, since(begun))
	return nil
}

// publish gives the copy the name that was asked for.
func (r *restore) publish(ctx context.Context, t target, copied string) error {
	rename := "ALTER DATABASE " + database.Identifier(copied) + " RENAME TO " + database.Identifier(r.o.To)
	if _, err := r.exec(ctx, database.Template, rename); err != nil {
		return fmt.Errorf("name the restored database %s: %w", r.o.To, err)
	}
	r.say("%s: the backup is in the database %s; the live one was not touched", t.database, r.o.To)
	return nil
}

// dropCopy drops a copy that is not needed, if it exists.
func (r *restore) dropCopy(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(r.disconnect(ctx), r.dropDatabase(ctx, name))
}

func (s server) dropDatabase(ctx context.Context, name string) error {
	if err := s.dropSubscriptions(ctx, name); err != nil {
		return err
	}
	if _, err := s.exec(ctx, database.Template, "DROP DATABASE IF EXISTS "+database.Identifier(name)+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop the database %s: %w", name, err)
	}
	return nil
}

// dropSubscriptions drops the subscriptions of a database, with which Postgres would not drop it. What they have at the
// publisher stays.
func (s server) dropSubscriptions(ctx context.Context, name string) error {
	var names []string
	if err := s.value(ctx, database.Template, "SELECT coalesce(json_agg(subname), '[]') FROM pg_subscription JOIN pg_database d "+
		"ON d.oid = subdbid WHERE datname = "+database.Literal(name), &names); err != nil {
		return fmt.Errorf("list the subscriptions of %s: %w", name, err)
	}
	if len(names) == 0 {
		return nil
	}
	if _, err := s.exec(ctx, database.Template, "ALTER DATABASE "+database.Identifier(name)+" ALLOW_CONNECTIONS true"); err != nil {
		return fmt.Errorf("drop the subscriptions of %s: %w", name, err)
	}
	for _, sub := range names {
		quoted := database.Identifier(sub)
		if _, err := s.exec(ctx, name, "ALTER SUBSCRIPTION "+quoted+" DISABLE", "ALTER SUBSCRIPTION "+quoted+
			" SET (slot_name = NONE)", "DROP SUBSCRIPTION "+quoted); err != nil {
			return fmt.Errorf("drop the subscription %s of %s: %w", sub, name, err)
		}
	}
	return nil
}

// databases lists the names of all databases.
func (s server) databases(ctx context.Context) ([]string, error) {
	var names []string
	if err := s.value(ctx, database.Template, "SELECT json_agg(datname ORDER BY datname) FROM pg_database", &names); err != nil {
		return nil, fmt.Errorf("list the databases: %w", err)
	}
	return names, nil
}

// dropRestoring drops the copies that killed restores have left.
func (b *run) dropRestoring(ctx context.Context) error {
	names, err := b.databases(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if isRestoring(name) {
			if err := b.dropDatabase(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}
