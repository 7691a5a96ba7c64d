package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"webstack/contract"
	"webstack/internal/printable"
)

// choice says which backup to restore: the one with an ID, or the newest that has no data after a time, or the newest that
// was finished at a time.
type choice struct {
	id              string
	until, finished time.Time
}

// takes reports whether a backup is the wanted one, if the newer ones are not.
func (c choice) takes(m contract.Backup) bool {
	switch {
	case c.id != "":
		return m.ID == c.id
	case !c.until.IsZero():
		return !m.SnapshotAt.After(c.until)
	}
	return !m.FinishedAt.After(c.finished)
}

// chosen reads the option At.
func (r *restore) chosen() (choice, error) {
	at := r.o.At
	if at == "" || at == "latest" {
		// A backup that runs while the restore waits may have the damage that the restore is for.
		return choice{finished: r.called}, nil
	}
	if isID(at) {
		return choice{id: at}, nil
	}
	until, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return choice{}, fmt.Errorf("choose the backup %q: use latest, an ID such as 20261130T031500Z, or a time such as "+
			"2026-11-30T14:00:00Z", at)
	}
	return choice{until: contract.EndOfSecond(until)}, nil
}

// find returns the manifest of the chosen backup of a database. Only a backup with a manifest exists.
func (r *restore) find(ctx context.Context, database string) (contract.Backup, error) {
	want, err := r.chosen()
	if err != nil {
		return contract.Backup{}, err
	}
	all, err := r.backups(ctx, database)
	if err != nil {
		return contract.Backup{}, err
	}
	ids := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Compare(b, a) })
	for _, id := range ids {
		begun, _ := contract.ParseBackupID(id)
		if want.id != "" && id != want.id || !want.until.IsZero() && begun.After(want.until) {
			continue
		}
		m, err := r.manifestOf(ctx, database, id, all[id])
		if err != nil {
			return contract.Backup{}, fmt.Errorf("%w; choose another backup by its ID", err)
		}
		if want.takes(m) {
			return m, nil
		}
	}
	switch {
	case len(ids) == 0:
		return contract.Backup{}, fmt.Errorf("find a backup of %s: there is no verified one in the bucket", database)
	case want.id != "":
		return contract.Backup{}, fmt.Errorf("find the backup %s of %s: there is no verified one with this ID; the newest is %s",
			want.id, database, ids[0])
	}
	if want.until.IsZero() {
		return contract.Backup{}, fmt.Errorf("find a backup of %s: none was finished when the restore was called; the oldest is %s",
			database, ids[len(ids)-1])
	}
	return contract.Backup{}, fmt.Errorf("find a backup of %s from %s or before: the oldest is %s", database,
		want.until.Format(time.RFC3339), ids[len(ids)-1])
}

// backups returns the keys of the manifests of a database's backups, by ID. The copy of the newest backup counts if the
// backup itself has expired.
func (r *restore) backups(ctx context.Context, database string) (map[string]string, error) {
	keys, err := r.store.List(ctx, contract.BackupPrefix)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, key := range keys {
		id, of, object, ok := contract.ParseBackupKey(key)
		if ok && of == database && object == contract.BackupManifest {
			all[id] = key
		}
	}
	newest, err := r.last(ctx, database)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil && len(all) == 0:
		return nil, err
	case err != nil:
		r.say("%s: warning: the copy of the newest backup cannot be read: %s", database, printable.OneLine(err))
	case all[newest.ID] == "":
		all[newest.ID] = contract.NewestBackupKey(database, contract.BackupManifest)
	}
	return all, nil
}

// manifestOf reads a manifest, which must be that of this backup.
func (r *restore) manifestOf(ctx context.Context, database, id, key string) (contract.Backup, error) {
	m, err := r.manifestAt(ctx, key)
	if err != nil {
		return contract.Backup{}, err
	}
	beside := strings.TrimSuffix(key, contract.BackupManifest)
	if m.Database.Name != database || m.ID != id || m.Object.Key != beside+contract.BackupDump {
		return contract.Backup{}, fmt.Errorf("get %s: it is the manifest of the backup %s of %s, whose dump is %s", key, m.ID,
			m.Database.Name, m.Object.Key)
	}
	return m, nil
}
