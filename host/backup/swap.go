package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/database"
	"webstack/internal/atomicfile"
	"webstack/internal/filelock"
	"webstack/internal/printable"
)

// record is what is known about a restore that replaces a database. It is on the disk from before the app is stopped
// until it runs again, so that another process can go on when this one is killed.
type record struct {
	ID       string `json:"id"`
	App      string `json:"app"`
	Database string `json:"database"`
	// Copy is the restored database, and Before the name that the live one gets.
	Copy   string `json:"copy"`
	Before string `json:"before"`
	// Existed says that there was a database to replace, and Maintenance that the app was in maintenance already.
	Existed     bool `json:"existed"`
	Maintenance bool `json:"maintenance"`
}

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
		if err := r.save(ctx, t); err != nil {
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

// save dumps what is about to be replaced, and uploads it.
func (r *restore) save(ctx context.Context, t target) error {
	tables, err := r.tables(ctx, t.database)
	if err != nil || tables == 0 {
		return err
	}
	release, err := filelock.Acquire(ctx, filepath.Join(r.StackDir, contract.DatabaseLockPath(t.database)), func() {
		r.say("%s: waiting for a migration to finish", t.database)
	})
	if err != nil {
		return err
	}
	defer release()
	d := &dumped{}
	if err := r.write(ctx, t.database, "", d); err != nil {
		return fmt.Errorf("save what is there now: %w", err)
	}
	defer func() { _ = d.file.Close() }()
	key := contract.BackupKey(r.id, t.database, contract.BackupReplaced)
	if _, err := r.store.Put(ctx, key, d.file, d.object.Bytes); err != nil {
		return fmt.Errorf("save what is there now: %w", err)
	}
	r.say("%s: saved what is there now, %s, as %s", t.database, size(d.object.Bytes), key)
	return os.Remove(filepath.Join(r.dir, dumpFile))
}

// restoreMessage is on the maintenance page.
const restoreMessage = "This site is being restored from a backup. Please come back in a few minutes."

// endLimit is how long it may take to undo a swap or to end it, whatever the caller's context says.
const endLimit = 15 * time.Minute

// replace stops the app, swaps the databases, and starts the app. If anything fails, it undoes that.
func (s *swapper) replace(ctx context.Context, rec record) (err error) {
	if s.hasApp(rec) {
		if rec.Maintenance, err = s.apps.InMaintenance(rec.App); err != nil {
			return err
		}
	}
	if err := s.write(rec); err != nil {
		return err
	}
	err = s.forward(ctx, rec)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	if err != nil {
		s.say("%s: undoing: %s", rec.Database, printable.OneLine(err))
		return errors.Join(err, s.back(ctx, rec))
	}
	return s.done(ctx, rec)
}

func (s *swapper) hasApp(rec record) bool {
	_, ok := s.manifest.App(rec.App)
	return ok
}

// forward makes the app run on the restored data.
func (s *swapper) forward(ctx context.Context, rec record) error {
	if s.hasApp(rec) {
		if !rec.Maintenance {
			if err := s.apps.Maintain(ctx, rec.App, true, restoreMessage); err != nil {
				return err
			}
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

// back makes the app run on the data that it had.
func (s *swapper) back(ctx context.Context, rec record) error {
	swapped, err := s.swapped(ctx, rec)
	if err == nil {
		err = s.restoreNames(ctx, rec, swapped)
	}
	if err != nil {
		return fmt.Errorf("undo the restore: %w; the next converge tries this again", err)
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

// restoreNames gives the databases the names that they had, and lets sessions in.
func (s *swapper) restoreNames(ctx context.Context, rec record, swapped bool) error {
	if swapped {
		renames := [][2]string{{rec.Database, rec.Copy}}
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
	if rec.Existed {
		s.say("%s: what was there before is in the database %s%s", rec.Database, rec.Before, forgetHint(rec))
	}
	return nil
}

func forgetHint(rec record) string {
	if rec.App == "" {
		return ""
	}
	return fmt.Sprintf("; to drop it, run webstack restore %s --forget=%s", rec.App, rec.ID)
}

// end lets visitors in and forgets the restore.
func (s *swapper) end(ctx context.Context, rec record) error {
	if s.hasApp(rec) && !rec.Maintenance {
		if err := s.apps.Maintain(ctx, rec.App, false, ""); err != nil {
			return err
		}
	}
	if err := os.Remove(s.record); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the restore: %w", err)
	}
	return nil
}

func (s *swapper) write(rec record) error {
	text, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(s.record, append(text, '\n'), 0o600)
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

// pending reports whether there is a restore to end.
func (s *swapper) pending() bool {
	_, err := os.Stat(s.record)
	return !errors.Is(err, fs.ErrNotExist)
}

func (s *swapper) heal(ctx context.Context) error {
	text, err := os.ReadFile(s.record)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	rec := record{}
	if err == nil {
		err = json.Unmarshal(text, &rec)
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
	}
	return s.back(ctx, rec)
}
