package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/database"
	"webstack/internal/filelock"
)

const (
	// dumpFile is the dump until it is uploaded.
	dumpFile = contract.BackupDump
	// lockWait is how long a dump waits for the lock of a table. While it waits, and until it ends, changes of the table's
	// definition wait for it, and everything else waits behind them.
	lockWait = "30s"
	// maxGlobals limits the text of the roles.
	maxGlobals = 64 << 20
)

// dumpError is an error of a dump, which may succeed if it is tried again.
type dumpError struct{ error }

func (e *dumpError) Unwrap() error { return e.error }

// dumped is a dump on the disk and what its snapshot has.
type dumped struct {
	contents contract.BackupDatabase
	// after are the sequences after the dump.
	after  []contract.BackupSequence
	at     time.Time
	file   *os.File
	object contract.BackupObject
}

// putGlobals dumps and uploads the roles.
func (b *run) putGlobals(ctx context.Context) ([]byte, error) {
	text, err := b.Run.Run(ctx, b.command(database.Maintenance, lowly("pg_dumpall", "--globals-only", "--no-password")...))
	switch {
	case err != nil:
		return nil, fmt.Errorf("dump the roles: %w", err)
	case !bytes.Contains(text, []byte("CREATE ROLE ")) || len(text) > maxGlobals:
		return nil, fmt.Errorf("dump the roles: pg_dumpall wrote %d bytes, which are not roles", len(text))
	}
	b.globals = contract.BackupObject{
		Key: contract.BackupRunPrefix(b.id) + contract.BackupGlobals, Bytes: int64(len(text)), SHA256: contract.Sum(text),
	}
	if b.globals.VersionID, err = b.store.Put(ctx, b.globals.Key, bytes.NewReader(text), b.globals.Bytes); err != nil {
		return nil, err
	}
	// From here on the roles are what the bucket has.
	var stored bytes.Buffer
	if err := b.download(ctx, b.globals, func(r io.Reader) error {
		_, err := stored.ReadFrom(r)
		return err
	}); err != nil {
		return nil, err
	}
	return stored.Bytes(), nil
}

// lowly makes a program run only when no other wants the processor or the disk.
func lowly(args ...string) []string {
	return append([]string{"nice", "-n", "19", "ionice", "-c", "3"}, args...)
}

// dump dumps a database to a file. Meanwhile no migration of the database runs: it would wait for the dump, and the app
// for it.
func (b *run) dump(ctx context.Context, t target) (d *dumped, err error) {
	release, err := filelock.Acquire(ctx, filepath.Join(b.StackDir, contract.DatabaseLockPath(t.database)), func() {
		b.say("%s: waiting for a migration to finish", t.database)
	})
	if err != nil {
		return nil, err
	}
	defer release()
	s, err := b.open(ctx, t.database)
	if err != nil {
		return nil, &dumpError{err}
	}
	defer s.close()
	var snapshot struct {
		ID   string    `json:"id"`
		At   time.Time `json:"at"`
		Size int64     `json:"size"`
	}
	if _, err := s.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return nil, &dumpError{err}
	}
	if err := s.read("SELECT json_build_object('id', pg_export_snapshot(), 'at', now(), 'size', "+
		"pg_database_size(current_database()))", &snapshot); err != nil {
		return nil, &dumpError{err}
	}
	if err := b.checkSpace(snapshot.Size); err != nil {
		return nil, err
	}
	d = &dumped{at: snapshot.At.UTC()}
	if d.contents, err = s.contents(); err != nil {
		return nil, &dumpError{err}
	}
	rows := contract.Backup{Database: d.contents}.Rows()
	b.say("%s: %s in %d %s with %d %s", t.database, size(d.contents.Bytes), len(d.contents.Tables),
		plural(len(d.contents.Tables), "table"), rows, plural(int(rows), "row"))
	if err := b.write(ctx, t.database, snapshot.ID, d); err != nil {
		return nil, &dumpError{err}
	}
	if d.after, err = s.sequences(); err != nil {
		_ = d.file.Close()
		return nil, &dumpError{err}
	}
	return d, nil
}

// write runs pg_dump, with the data of a snapshot or, if that is "", of this moment.
func (b *run) write(ctx context.Context, database, snapshot string, d *dumped) (err error) {
	if d.file, err = os.OpenFile(filepath.Join(b.dir, dumpFile), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return fmt.Errorf("write the dump: %w", err)
	}
	defer func() {
		if err != nil {
			_ = d.file.Close()
		}
	}()
	sum, count := sha256.New(), &counter{}
	args := []string{
		"pg_dump", "--format=custom", "--compress=" + compression(b.version), "--lock-wait-timeout=" + lockWait, "--no-password",
	}
	if snapshot != "" {
		args = append(args, "--snapshot="+snapshot)
	}
	c := b.command(database, lowly(args...)...)
	c.Stdout = io.MultiWriter(d.file, sum, count)
	if err := b.whileRoom(ctx, func(ctx context.Context) error {
		_, err := b.Run.Run(ctx, c)
		return err
	}); err != nil {
		return fmt.Errorf("dump the database: %w", err)
	}
	if count.n == 0 {
		return errors.New("dump the database: pg_dump wrote nothing")
	}
	d.object = contract.BackupObject{Bytes: count.n, SHA256: hex.EncodeToString(sum.Sum(nil))}
	return nil
}

// compression returns how pg_dump of a version compresses best.
func compression(version string) string {
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 16 {
		return "6"
	}
	return "zstd:3"
}

// counter counts bytes.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// download passes an object to use, and fails if it is not what was uploaded.
func (b *run) download(ctx context.Context, o contract.BackupObject, use func(io.Reader) error) error {
	body, err := b.store.Get(ctx, o.Key)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	sum, count := sha256.New(), &counter{}
	r := io.TeeReader(body, io.MultiWriter(sum, count))
	if err := use(r); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != o.SHA256 || count.n != o.Bytes {
		return fmt.Errorf("download %s: it has %d bytes with the SHA-256 %s, but %d bytes with %s were uploaded", o.Key, count.n,
			got, o.Bytes, o.SHA256)
	}
	return nil
}
