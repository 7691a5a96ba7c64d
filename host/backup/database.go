package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"webstack/contract"
)

// database backs up a database: dump, upload, restore, comparison, and then the manifest.
func (b *run) database(ctx context.Context, t target, globals []byte) error {
	started := time.Now()
	d, err := b.dump(ctx, t)
	if err != nil {
		return err
	}
	b.say("%s: dumped %s in %s", t.database, size(d.object.Bytes), since(started))
	if err := b.upload(ctx, t, d); err != nil {
		return err
	}
	restoring := time.Now()
	var restored contract.BackupDatabase
	var warnings []string
	err = b.whileRoom(ctx, func(ctx context.Context) (err error) {
		restored, warnings, err = b.verify(ctx, t, d, globals)
		return err
	})
	if err != nil {
		return err
	}
	seconds := time.Since(restoring).Round(100 * time.Millisecond).Seconds()
	d.contents.Sequences = restored.Sequences
	m := contract.Backup{
		Version: contract.BackupVersion, ID: b.id, Project: b.manifest.Project, Stack: b.manifest.Stack, App: t.app,
		StartedAt: moment(started), SnapshotAt: moment(d.at), FinishedAt: moment(time.Now()), Webstack: b.program,
		Postgres: contract.BackupServer{Version: b.version, Image: b.image.reference, ImageID: b.image.id},
		Database: d.contents, Object: d.object, Globals: b.globals,
		Verify:   contract.BackupVerification{Method: contract.VerifiedByRestore, At: moment(time.Now()), Seconds: seconds},
		Warnings: append(warnings, b.shrunk(ctx, t, d)...),
	}
	if err := b.commit(ctx, m); err != nil {
		return err
	}
	for _, w := range m.Warnings {
		b.say("%s: warning: %s", t.database, w)
	}
	b.say("%s: restored and verified in %s", t.database, since(restoring))
	return b.keepNewest(ctx, m)
}

// moment cuts a time to what a manifest needs.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }

// upload uploads the dump and removes the file.
func (b *run) upload(ctx context.Context, t target, d *dumped) error {
	defer func() { _ = d.file.Close() }()
	begun := time.Now()
	d.object.Key = contract.BackupKey(b.id, t.database, contract.BackupDump)
	version, err := b.store.Put(ctx, d.object.Key, d.file, d.object.Bytes)
	if err != nil {
		return err
	}
	d.object.VersionID = version
	if err := os.Remove(filepath.Join(b.dir, dumpFile)); err != nil {
		return fmt.Errorf("remove the dump: %w", err)
	}
	b.say("%s: uploaded in %s", t.database, since(begun))
	return nil
}

// verify downloads the dump into the throwaway server and compares what is there.
func (b *run) verify(ctx context.Context, t target, d *dumped, globals []byte) (
	got contract.BackupDatabase, warnings []string, err error,
) {
	if err := b.checkSpace(d.contents.Bytes); err != nil {
		return got, nil, err
	}
	if b.scratch == nil {
		if b.scratch, err = b.startScratch(ctx, globals); err != nil {
			return got, nil, err
		}
	}
	s := b.scratch
	if err := b.download(ctx, d.object, func(r io.Reader) error { return s.restore(ctx, r) }); err != nil {
		return got, nil, err
	}
	if got, warnings, err = s.compare(ctx, d); err != nil {
		return got, nil, err
	}
	if err := s.checkTables(ctx, t.database); err != nil {
		return got, nil, err
	}
	return got, warnings, s.dropDatabase(ctx, t.database) // room for the next
}

// compare compares the restored database with the dumped one, and tests the comparison.
func (s *scratch) compare(ctx context.Context, d *dumped) (got contract.BackupDatabase, warnings []string, err error) {
	session, err := s.open(ctx, d.contents.Name)
	if err != nil {
		return got, nil, err
	}
	defer session.close()
	if got, err = session.contents(); err != nil {
		return got, nil, err
	}
	problems, warnings := compare(d.contents, got, d.after)
	if err := differences(problems); err != nil {
		return got, nil, err
	}
	return got, warnings, session.canary(got)
}

// commit writes the manifest, after which the backup counts.
func (b *run) commit(ctx context.Context, m contract.Backup) error {
	text := m.Encode()
	if _, err := contract.DecodeBackup(text); err != nil {
		return err
	}
	key := contract.BackupKey(m.ID, m.Database.Name, contract.BackupManifest)
	if _, err := b.store.Put(ctx, key, bytes.NewReader(text), int64(len(text))); err != nil {
		return err
	}
	return b.readBack(ctx, contract.BackupObject{Key: key, Bytes: int64(len(text)), SHA256: contract.Sum(text)})
}

// readBack fails unless an object is in the bucket as it should be, whatever the bucket said when it was written.
func (b *run) readBack(ctx context.Context, o contract.BackupObject) error {
	return b.download(ctx, o, func(io.Reader) error { return nil })
}

// keepNewest copies a verified backup to where nothing expires. The manifest is copied last, and says which versions of
// the other objects belong to it.
func (b *run) keepNewest(ctx context.Context, m contract.Backup) error {
	for _, o := range []struct {
		object *contract.BackupObject
		name   string
	}{{&m.Object, contract.BackupDump}, {&m.Globals, contract.BackupGlobals}} {
		key := contract.NewestBackupKey(m.Database.Name, o.name)
		version, err := b.store.Copy(ctx, o.object.Key, key, o.object.Bytes)
		if err != nil {
			return fmt.Errorf("keep the backup as the newest one, it is verified but will expire: %w", err)
		}
		o.object.Key, o.object.VersionID = key, version
		if err := b.readBack(ctx, *o.object); err != nil {
			return fmt.Errorf("keep the backup as the newest one, it is verified but will expire: %w", err)
		}
	}
	text := m.Encode()
	key := contract.NewestBackupKey(m.Database.Name, contract.BackupManifest)
	err := b.store.Replace(ctx, key, bytes.NewReader(text), int64(len(text)))
	if err == nil {
		err = b.readBack(ctx, contract.BackupObject{Key: key, Bytes: int64(len(text)), SHA256: contract.Sum(text)})
	}
	if err != nil {
		return fmt.Errorf("keep the backup as the newest one, it is verified but will expire: %w", err)
	}
	return nil
}

// shrunk warns when a dump or its rows have fallen by more than half since the last verified backup.
func (b *run) shrunk(ctx context.Context, t target, d *dumped) []string {
	last, err := b.last(ctx, t.database)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return []string{fmt.Sprintf("its size was not compared with that of the backup before: %v", err)}
	}
	var warnings []string
	if now := d.object.Bytes; now < last.Object.Bytes/2 {
		warnings = append(warnings, fmt.Sprintf("the dump has %s, and %s in the backup %s", size(now), size(last.Object.Bytes), last.ID))
	}
	if now := (contract.Backup{Database: d.contents}).Rows(); now < last.Rows()/2 {
		warnings = append(warnings, fmt.Sprintf("there are %d rows, and %d in the backup %s", now, last.Rows(), last.ID))
	}
	return warnings
}

// last returns the manifest of the newest verified backup of a database. It fails with os.ErrNotExist without one.
func (b *run) last(ctx context.Context, database string) (contract.Backup, error) {
	key := contract.NewestBackupKey(database, contract.BackupManifest)
	exists, err := b.store.Exists(ctx, key)
	if err != nil {
		return contract.Backup{}, err
	}
	if !exists {
		return contract.Backup{}, os.ErrNotExist
	}
	return b.manifestAt(ctx, key)
}

// manifestAt reads the manifest of a backup.
func (b *run) manifestAt(ctx context.Context, key string) (contract.Backup, error) {
	body, err := b.store.Get(ctx, key)
	if err != nil {
		return contract.Backup{}, err
	}
	defer func() { _ = body.Close() }()
	var m contract.Backup
	text, err := io.ReadAll(io.LimitReader(body, contract.MaxBackupManifestBytes+1))
	if err == nil {
		m, err = contract.DecodeBackup(text)
	}
	if err != nil {
		return contract.Backup{}, fmt.Errorf("get %s: %w", key, err)
	}
	return m, nil
}
