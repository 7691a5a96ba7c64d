package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/database"
	"webstack/internal/filelock"
	"webstack/internal/printable"
)

// swapper swaps databases. Who uses it holds the lock of the stack.
type swapper struct {
	server
	manifest contract.Manifest
	apps     RestoreApps
	record   string // the path of the record
	out      io.Writer
}

func (s *swapper) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }

// replace puts the restored copy in the place of the live database.
func (r *restore) replace(ctx context.Context, t target, copied string) error {
	names, err := r.databases(ctx)
	if err != nil {
		return err
	}
	rec := record{
		ID: r.id, App: t.app, Database: t.database, Copy: copied, Before: beforeName(t.database, r.id),
		Existed: slices.Contains(names, t.database),
	}
	if rec.Existed {
		if rec.Empty, err = r.save(ctx, t); err != nil {
			return err
		}
	}
	release, err := r.lockStack(ctx)
	if err != nil {
		return err
	}
	defer release()
	return r.swap.replace(ctx, rec)
}

// save dumps what is about to be replaced, and uploads it. A database that is too damaged for a dump is what a restore may be
// for, and stays on the server. empty says that there was nothing to save.
func (r *restore) save(ctx context.Context, t target) (empty bool, err error) {
	if empty, err = r.empty(ctx, t.database); empty {
		return true, nil
	}
	if err == nil {
		err = r.saveDump(ctx, t)
	}
	if err == nil {
		return false, nil
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	r.say("%s: warning: there is no dump of what is there now: %s", t.database, printable.OneLine(err))
	return false, os.RemoveAll(filepath.Join(r.dir, dumpFile))
}

func (r *restore) saveDump(ctx context.Context, t target) error {
	release, err := filelock.Acquire(ctx, filepath.Join(r.StackDir, contract.DatabaseLockPath(t.database)), func() {
		r.say("%s: waiting for a migration to finish", t.database)
	})
	if err != nil {
		return err
	}
	defer release()
	d := &dumped{}
	if err := r.write(ctx, t.database, "", d); err != nil {
		return withoutData(err)
	}
	defer func() { _ = d.file.Close() }()
	key := contract.BackupKey(r.id, t.database, contract.BackupReplaced)
	if _, err := r.store.Put(ctx, key, d.file, d.object.Bytes); err != nil {
		return err
	}
	r.say("%s: saved what is there now, %s, as %s", t.database, size(d.object.Bytes), key)
	return os.Remove(filepath.Join(r.dir, dumpFile))
}

// restoreMessage is on the maintenance page.
const restoreMessage = "This site is being restored from a backup. Please come back in a few minutes."

// endLimit is how long it may take to undo a swap or to end it, whatever the caller's context says.
const endLimit = 15 * time.Minute

// An undo waits serverWait for Postgres to answer, and asks every serverPoll.
const (
	serverWait = 2 * time.Minute
	serverPoll = 500 * time.Millisecond
)

// replace stops the app, swaps the databases, and starts the app. If anything fails, it undoes that.
func (s *swapper) replace(ctx context.Context, rec record) (err error) {
	if err := s.begin(ctx, rec); err != nil {
		return err
	}
	err = s.forward(ctx, rec)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	if err != nil {
		s.say("%s: undoing: %s", rec.Database, printable.OneLine(err))
		return errors.Join(err, s.back(ctx, rec, rec.Copy))
	}
	return s.done(ctx, rec)
}

func (s *swapper) hasApp(rec record) bool {
	_, ok := s.manifest.App(rec.App)
	return ok
}

// begin notes what is about to happen.
func (s *swapper) begin(ctx context.Context, rec record) error {
	return withPages(ctx, s.record, func() (err error) {
		if s.hasApp(rec) {
			if rec.Maintenance, err = s.apps.InMaintenance(rec.App); err != nil {
				return err
			}
		}
		return rec.write(s.record)
	})
}

// keepOut gives visitors the maintenance page.
func (s *swapper) keepOut(ctx context.Context, rec record) error {
	return withPages(ctx, s.record, func() error {
		now, err := readRecord(s.record)
		if err != nil || now.Maintenance {
			return err
		}
		return s.apps.Maintain(ctx, rec.App, true, restoreMessage)
	})
}

// forward makes the app run on the restored data.
func (s *swapper) forward(ctx context.Context, rec record) error {
	if s.hasApp(rec) {
		if err := s.keepOut(ctx, rec); err != nil {
			return err
		}
		if err := s.apps.Halt(ctx, rec.App); err != nil {
			return err
		}
	}
	renames := [][2]string{{rec.Copy, rec.Database}}
	if rec.Existed {
		renames = slices.Insert(renames, 0, [2]string{rec.Database, rec.Before})
	}
	begun := time.Now()
	if err := s.rename(ctx, renames); err != nil {
		return fmt.Errorf("swap the databases: %w", err)
	}
	s.say("%s: swapped in %s", rec.Database, since(begun))
	return s.resume(ctx, rec)
}

func (s *swapper) resume(ctx context.Context, rec record) error {
	if !s.hasApp(rec) {
		return nil
	}
	if err := s.apps.Resume(ctx, rec.App); err != nil {
		return fmt.Errorf("start the app: %w", err)
	}
	return nil
}

// rename renames databases in one transaction, so that all or none of them have their new names. Sessions in them are
// ended, and new ones are refused until then: a database cannot be renamed while somebody uses it.
func (s *swapper) rename(ctx context.Context, names [][2]string) error {
	var refuse, swap, list []string
	for _, n := range names {
		from, to := database.Identifier(n[0]), database.Identifier(n[1])
		refuse = append(refuse, "ALTER DATABASE "+from+" ALLOW_CONNECTIONS false")
		swap = append(swap, "ALTER DATABASE "+from+" RENAME TO "+to, "ALTER DATABASE "+to+" ALLOW_CONNECTIONS true")
		list = append(list, database.Literal(n[0]))
	}
	if _, err := s.exec(ctx, database.Template, refuse...); err != nil {
		return err
	}
	if _, err := s.exec(ctx, database.Template, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN ("+
		strings.Join(list, ", ")+")"); err != nil {
		return err
	}
	_, err := s.exec(ctx, database.Template, append(append([]string{"BEGIN"}, swap...), "COMMIT")...)
	return err
}

// swapped reports whether the restored copy has the name of the live database.
func (s *swapper) swapped(ctx context.Context, rec record) (bool, error) {
	names, err := s.databases(ctx)
	if err != nil {
		return false, err
	}
	has := func(name string) bool { return slices.Contains(names, name) }
	return has(rec.Database) && !has(rec.Copy) && (has(rec.Before) || !rec.Existed), nil
}

// back makes the app run on the data that it had. If the databases were swapped, the restored one gets the name aside; if
// that is the name of a copy, it is dropped.
func (s *swapper) back(ctx context.Context, rec record, aside string) error {
	err := s.awaitServer(ctx)
	swapped := false
	if err == nil {
		swapped, err = s.swapped(ctx, rec)
	}
	if err == nil {
		err = s.restoreNames(ctx, rec, swapped, aside)
	}
	if err != nil {
		return fmt.Errorf("undo the restore: %w; the next converge tries this again", err)
	}
	if swapped && aside != rec.Copy {
		s.say("%s: the restored data is in the database %s%s", rec.Database, aside, forgetHint(rec))
	}
	err = s.resume(ctx, rec)
	if ended := s.end(ctx, rec); ended != nil {
		return errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("%s has the data that it had, but the app does not run: %w; the next converge tries this again",
			rec.Database, err)
	}
	s.say("%s: it has the data that it had", rec.Database)
	return nil
}

// startingRE matches errors of Postgres, psql and Docker while the container restarts.
var startingRE = regexp.MustCompile(`(?i)starting up|shutting down|connection refused|is not running|is restarting|terminating connection`)

// awaitServer waits until Postgres answers, which may be the reason for an undo.
func (s *swapper) awaitServer(ctx context.Context) error {
	for end := time.Now().Add(serverWait); ; {
		_, err := s.exec(ctx, database.Template, "SELECT 1")
		if err == nil || !startingRE.MatchString(err.Error()) || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(serverPoll):
		}
	}
}

// restoreNames gives the databases the names that they had, and lets sessions in.
func (s *swapper) restoreNames(ctx context.Context, rec record, swapped bool, aside string) error {
	if swapped {
		renames := [][2]string{{rec.Database, aside}}
		if rec.Existed {
			renames = append(renames, [2]string{rec.Before, rec.Database})
		}
		if err := s.rename(ctx, renames); err != nil {
			return err
		}
	} else if rec.Existed {
		if _, err := s.exec(ctx, database.Template, "ALTER DATABASE "+database.Identifier(rec.Database)+" ALLOW_CONNECTIONS true"); err != nil {
			return err
		}
	}
	return s.dropDatabase(ctx, rec.Copy)
}

// done ends a restore that succeeded.
func (s *swapper) done(ctx context.Context, rec record) error {
	if err := s.end(ctx, rec); err != nil {
		// The app runs on the restored data; the next converge does what is left.
		s.say("%s: warning: %s", rec.Database, printable.OneLine(err))
	}
	switch {
	case rec.Empty:
		if err := s.dropDatabase(ctx, rec.Before); err != nil {
			s.say("%s: warning: %s", rec.Database, printable.OneLine(err))
		}
	case rec.Existed:
		s.say("%s: what was there before is in the database %s%s", rec.Database, rec.Before, forgetHint(rec))
	}
	return nil
}

func forgetHint(rec record) string {
	if rec.App == "" {
		return "; to drop what all restores have left, run webstack restore --all --forget"
	}
	return fmt.Sprintf("; to drop it, run webstack restore %s --forget=%s", rec.App, rec.ID)
}

// end lets visitors in, unless the app is to stay in maintenance, and forgets the restore.
func (s *swapper) end(ctx context.Context, rec record) error {
	return withPages(ctx, s.record, func() error {
		now, err := readRecord(s.record)
		if err != nil {
			return err
		}
		if s.hasApp(rec) && !now.Maintenance {
			if err := s.apps.Maintain(ctx, rec.App, false, ""); err != nil {
				return err
			}
		}
		if err := os.Remove(s.record); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget the restore: %w", err)
		}
		return nil
	})
}

// HealOptions configure HealRestore.
type HealOptions struct {
	// Run runs the host's programs.
	Run command.Runner
	// Record is the path of contract.RestoreRecordFile.
	Record string
	// Manifest is what the stack has, and Apps runs its apps.
	Manifest contract.Manifest
	Apps     RestoreApps
	// Out gets a line for each step.
	Out io.Writer
}

// HealRestore ends a restore that was killed while it replaced a database: if the databases were swapped and the app is
// healthy, it has the restored data, else the data that it had. The caller holds the lock of the stack.
func HealRestore(ctx context.Context, o HealOptions) error {
	s := &swapper{
		server:   server{run: o.Run, container: contract.PostgresService, user: o.Manifest.PostgresUser},
		manifest: o.Manifest, apps: o.Apps, record: o.Record, out: o.Out,
	}
	return s.heal(ctx)
}

func (s *swapper) heal(ctx context.Context) error {
	rec, err := readRecord(s.record)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end an interrupted restore: %w", err)
	}
	s.say("%s: ending the restore %s, which was interrupted", rec.Database, rec.ID)
	swapped, err := s.swapped(ctx, rec)
	if err != nil {
		return fmt.Errorf("end an interrupted restore: %w", err)
	}
	if swapped {
		// An undo that was killed refuses sessions.
		_, err = s.exec(ctx, database.Template, "ALTER DATABASE "+database.Identifier(rec.Database)+" ALLOW_CONNECTIONS true")
		if err == nil {
			err = s.resume(ctx, rec)
		}
		if err == nil {
			return s.done(ctx, rec)
		}
		s.say("%s: undoing: %s", rec.Database, printable.OneLine(err))
		// The app may have written to the restored data before this run.
		aside := undoneName(rec.Database, rec.ID)
		return s.back(ctx, rec, aside)
	}
	return s.back(ctx, rec, rec.Copy)
}
