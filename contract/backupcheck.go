package contract

import (
	"errors"
	"fmt"
	"strings"

	"webstack/internal/lazyregexp"
)

var hashRE = lazyregexp.New(`^-?[0-9]{1,60}$`)

// Validate reports every violation of what the comments of the manifest's fields demand.
func (b Backup) Validate() error {
	var p problems
	p.check(b.Version == BackupVersion, "version: %d is not %d; use the program that made the backup", b.Version, BackupVersion)
	_, err := ParseBackupID(b.ID)
	p.add("id", err)
	p.check(projectRE.MatchString(b.Project), "project: %q is not 1..100 letters, digits and _.-", b.Project)
	p.check(projectRE.MatchString(b.Stack), "stack: %q is not 1..100 letters, digits and _.-", b.Stack)
	if b.App != "" {
		p.add("app", CheckAppName(b.App))
	}
	p.check(!b.StartedAt.IsZero() && !b.SnapshotAt.IsZero() && !b.FinishedAt.IsZero(),
		"startedAt, snapshotAt, finishedAt: one of them is missing")
	p.check(!b.FinishedAt.Before(b.StartedAt), "finishedAt: it is before startedAt")
	p.check(b.Postgres.Version != "" && b.Postgres.Image != "", "postgres: it has no version or no image")
	p.checkObject("object", b.Object)
	p.checkObject("globals", b.Globals)
	p.check(b.Object.Bytes > 0, "object.bytes: the dump is empty")
	p.check(b.Verify.Method == VerifiedByRestore, "verify.method: %q is not %s", b.Verify.Method, VerifiedByRestore)
	p.check(!b.Verify.At.IsZero() && b.Verify.Seconds >= 0, "verify: it has no time")
	p.checkDatabase(b.Database)
	return errors.Join(p...)
}

func (p *problems) checkObject(at string, o BackupObject) {
	p.check(strings.HasPrefix(o.Key, BackupPrefix) || strings.HasPrefix(o.Key, NewestBackupPrefix),
		"%s.key: %q is not below %s or %s", at, o.Key, BackupPrefix, NewestBackupPrefix)
	p.check(o.Bytes >= 0, "%s.bytes: %d is less than 0", at, o.Bytes)
	p.add(at+".sha256", CheckSHA256(o.SHA256))
}

func (p *problems) checkDatabase(d BackupDatabase) {
	p.check(isIdentifier(d.Name), "database.name: %q is not 1..63 bytes without control characters", d.Name)
	p.check(d.Owner != "", "database.owner: it is missing")
	p.check(d.Encoding != "", "database.encoding: it is missing")
	p.check(d.Bytes >= 0, "database.bytes: %d is less than 0", d.Bytes)
	for i, e := range d.Extensions {
		p.check(e.Name != "" && e.Version != "", "database.extensions[%d]: it has no name or no version", i)
	}
	seen := map[[2]string]bool{}
	for i, t := range d.Tables {
		at, name := fmt.Sprintf("database.tables[%d]", i), [2]string{t.Schema, t.Name}
		p.check(t.Schema != "" && t.Name != "", "%s: it has no schema or no name", at)
		p.check(!seen[name], "%s: %s.%s is listed twice", at, t.Schema, t.Name)
		seen[name] = true
		p.checkCount(at, t.BackupCount)
	}
	for i, s := range d.Sequences {
		p.check(s.Schema != "" && s.Name != "", "database.sequences[%d]: it has no schema or no name", i)
	}
	p.checkCount("database.largeObjects", d.LargeObjects)
	p.checkCount("database.objects", d.Objects)
}

func (p *problems) checkCount(at string, c BackupCount) {
	p.check(c.Rows >= 0, "%s.rows: %d is less than 0", at, c.Rows)
	p.check(hashRE.MatchString(c.Hash), "%s.hash: %q is not a whole number", at, c.Hash)
}
