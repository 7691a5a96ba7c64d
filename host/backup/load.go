package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/database"
)

// load restores a backup into a new database of the live server, and compares that with the backup. Nothing uses it yet.
func (r *restore) load(ctx context.Context, m contract.Backup, name string) error {
	begun := time.Now()
	if err := r.fetch(ctx, m.Object); err != nil {
		return err
	}
	r.say("%s: downloaded in %s", m.Database.Name, since(begun))
	if err := r.checkRoles(ctx, m); err != nil {
		return err
	}
	begun = time.Now()
	if err := r.create(ctx, m.Database.Name, name); err != nil {
		return err
	}
	if err := r.fill(ctx, name); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(r.dir, dumpFile)); err != nil {
		return fmt.Errorf("remove the dump: %w", err)
	}
	r.say("%s: restored beside the live database in %s", m.Database.Name, since(begun))
	begun = time.Now()
	if err := r.compareWith(ctx, m, name); err != nil {
		return err
	}
	r.say("%s: compared in %s: it is what was backed up", m.Database.Name, since(begun))
	return nil
}

// fetch downloads the dump to the disk, and fails if it is not what was uploaded.
func (r *restore) fetch(ctx context.Context, o contract.BackupObject) error {
	file, err := os.OpenFile(filepath.Join(r.dir, dumpFile), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the dump: %w", err)
	}
	err = r.download(ctx, o, func(from io.Reader) error {
		// One byte more than expected shows that there is more.
		_, err := io.Copy(file, io.LimitReader(from, o.Bytes+1))
		return err
	})
	return errors.Join(err, file.Close())
}

// pgRestore runs pg_restore on the dump.
func (r *restore) pgRestore(ctx context.Context, args ...string) (string, error) {
	dump, err := os.Open(filepath.Join(r.dir, dumpFile))
	if err != nil {
		return "", err
	}
	defer func() { _ = dump.Close() }()
	c := r.command(database.Template, append([]string{"pg_restore", "--exit-on-error", "--no-password"}, args...)...)
	c.Stdin = dump
	out, err := r.Run.Run(ctx, c)
	return string(out), err
}

// noTable is longer than a name can be, so it selects no table. What pg_restore says about the database itself does not
// depend on what is selected.
var noTable = strings.Repeat("x", maxName+1)

// create creates an empty database with the owner, locale, settings and grants of the one that was dumped.
func (r *restore) create(ctx context.Context, dumped, name string) error {
	script, err := r.pgRestore(ctx, "--create", "--schema-only", "--table="+noTable, "--file=-")
	if err != nil {
		return fmt.Errorf("read what the dump has: %w", err)
	}
	c := r.command(database.Template, psql...)
	c.Stdin = strings.NewReader(renamed(script, dumped, name))
	if _, err := r.Run.Run(ctx, c); err != nil {
		return fmt.Errorf("create the database %s: %w", name, err)
	}
	return nil
}

var connectRE = regexp.MustCompile(`(?m)^\\connect .*$`)

// renamed makes a script that creates and changes a database do so with another one, whose name replaces the first's.
func renamed(script, dumped, name string) string {
	statement := regexp.MustCompile(`(?m)^((?:(?:CREATE|ALTER|COMMENT ON) DATABASE|ALTER ROLE .* IN DATABASE|` +
		`(?:GRANT|REVOKE|SECURITY LABEL) .*ON DATABASE) )(?:` + regexp.QuoteMeta(dumped) + "|" +
		regexp.QuoteMeta(database.Identifier(dumped)) + `)([ ;])`)
	script = connectRE.ReplaceAllString(script, "")
	return statement.ReplaceAllString(script, "${1}"+strings.ReplaceAll(database.Identifier(name), "$", "$$")+"${2}")
}

// fill restores the dump into the new database. It stops at the first error.
func (r *restore) fill(ctx context.Context, name string) error {
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name)
	if _, err := r.pgRestore(ctx, "--dbname", "dbname='"+quoted+"'"); err != nil {
		return fmt.Errorf("restore the dump: %w", withoutData(err))
	}
	if _, err := r.exec(ctx, name, "ANALYZE"); err != nil {
		return fmt.Errorf("collect statistics of the restored tables: %w", err)
	}
	return nil
}

// amcheck is the extension of pg_amcheck.
const amcheck = "amcheck"

// compareWith checks the tables and indexes of the restored database, and compares it with what was backed up.
func (r *restore) compareWith(ctx context.Context, m contract.Backup, name string) error {
	if err := r.checkTables(ctx, name); err != nil {
		return err
	}
	has := func(e contract.BackupExtension) bool { return e.Name == amcheck }
	if !slices.ContainsFunc(m.Database.Extensions, has) {
		if _, err := r.exec(ctx, name, "DROP EXTENSION IF EXISTS "+amcheck); err != nil {
			return fmt.Errorf("remove the extension %s: %w", amcheck, err)
		}
	}
	s, err := r.open(ctx, name)
	if err != nil {
		return err
	}
	defer s.close()
	got, err := s.contents()
	if err != nil {
		return err
	}
	got.Name = m.Database.Name
	problems, warnings := compare(m.Database, got, m.Database.Sequences)
	for _, w := range warnings {
		r.say("%s: warning: %s", m.Database.Name, w)
	}
	return differences(problems)
}
