package verify

import (
	"cmp"
	"context"
	"time"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
	"webstack/internal/operate/backups"
)

// grace is how late a backup may be, including the time it takes.
const grace = 2 * time.Hour

// backedUpHere reports whether the host backs up databases: an external Postgres it does not.
func backedUpHere(c *config.Config) bool { return backedUp(c) && !c.EnableExternalPostgres }

// checkDumps looks for the newest verified backup of each database.
func checkDumps(ctx context.Context, w *world) ([]finding, error) {
	bucket, err := w.bucket(ctx)
	if err != nil {
		return nil, err
	}
	all, err := backups.Index(ctx, w.s3, bucket.name)
	if err != nil {
		return nil, err
	}
	names := []string{w.config.PostgresDefaultDb}
	for _, app := range w.config.Apps {
		names = append(names, app.Name)
	}
	var out []finding
	newest, every := backups.Newest(all), w.config.BackupSchedule.Longest()+grace
	for _, name := range names {
		b, ok := newest[name]
		age := w.now.Sub(b.At)
		switch {
		case ok && age <= every:
			out = append(out, passed(name, "verified backup of %s, %s old", b.At.Format(time.DateOnly), operate.Ago(age)))
		case ok:
			out = append(out, failed(name, backUp, "the newest verified backup is %s old", operate.Ago(age)))
		case w.now.Sub(bucket.created) <= every:
			out = append(out, finding{subject: name, outcome: Later, found: "none yet; the schedule makes the first, or webstack backup"})
		case len(newest) == 0:
			out = append(out, failed(name, backUp, "there is no verified backup"))
		default:
			out = append(out, warned(name, backUp, "there is no verified backup; is the app new?"))
		}
	}
	return out, nil
}

// backUp is what to do about a backup that is missing.
const backUp = "webstack backup, and webstack backups for why the last ones failed"

// Backup is a verified backup.
type Backup struct {
	// Bucket is where it is, Name the ID of its run; "" if there is none.
	Bucket, Name string
	// At is when its run began.
	At time.Time
}

// LastBackup finds the newest verified backup of a stack; its Name is "" if there is none.
func LastBackup(ctx context.Context, stack *operate.Stack) (Backup, error) {
	w := newWorld(Options{Stack: stack})
	bucket, err := w.bucket(ctx)
	if err != nil {
		return Backup{}, err
	}
	all, err := backups.Index(ctx, w.s3, bucket.name)
	if err != nil {
		return Backup{}, err
	}
	last := Backup{Bucket: bucket.name}
	for _, b := range backups.Newest(all) {
		if b.At.After(last.At) {
			// One whose run has expired is a copy, which has no ID in its key.
			last.Name, last.At = cmp.Or(b.ID, contract.NewestBackupPrefix+b.Database), b.At
		}
	}
	return last, nil
}

// BackupBucket returns the name of the stack's backup bucket.
func BackupBucket(ctx context.Context, stack *operate.Stack) (string, error) {
	bucket, err := newWorld(Options{Stack: stack}).bucket(ctx)
	return bucket.name, err
}
