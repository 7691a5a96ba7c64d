package contract

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func someBackup() Backup {
	at := time.Date(2026, 11, 30, 3, 15, 0, 0, time.UTC)
	sum := Sum(nil)
	return Backup{
		Version: BackupVersion, ID: "20261130T031500Z", Project: "webstack", Stack: "dev", App: "shop",
		StartedAt: at, SnapshotAt: at.Add(time.Second), FinishedAt: at.Add(time.Minute), Webstack: sum,
		Postgres: BackupServer{Version: "17.11", Image: "postgres:17.11-bookworm", ImageID: "sha256:" + sum},
		Database: BackupDatabase{
			Name: "shop", Owner: "shop", Encoding: "UTF8", Provider: "c", Collate: "en_US.utf8", Ctype: "en_US.utf8", Bytes: 8 << 20,
			Settings: []string{"work_mem=9MB"}, Grants: []string{"CONNECT to shop"},
			Extensions: []BackupExtension{{"plpgsql", "1.0", "pg_catalog"}},
			Tables: []BackupTable{
				{"public", "orders", BackupCount{3, "-17"}}, {"public", "we ird", BackupCount{0, "0"}},
			},
			Sequences:    []BackupSequence{{"public", "orders_id_seq", 3, true}},
			LargeObjects: BackupCount{0, "0"}, Objects: BackupCount{5, "99"},
		},
		Object: BackupObject{
			Key: BackupKey("20261130T031500Z", "shop", BackupDump), Bytes: 1234, SHA256: sum, VersionID: "v1",
		},
		Globals: BackupObject{Key: BackupRunPrefix("20261130T031500Z") + BackupGlobals, Bytes: 100, SHA256: sum, VersionID: "v2"},
		Verify:  BackupVerification{Method: VerifiedByRestore, At: at.Add(time.Minute), Seconds: 12.5},
	}
}

func TestBackupRoundTrip(t *testing.T) {
	t.Parallel()
	b := someBackup()
	got, err := DecodeBackup(b.Encode())
	if err != nil || !bytes.Equal(got.Encode(), b.Encode()) || got.Rows() != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	f := BackupFailure{Version: BackupVersion, ID: b.ID, Database: "shop", At: b.StartedAt, Error: "no space\nleft"}
	if got, err := DecodeBackupFailure(f.Encode()); err != nil || got != f {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestBackupIsRefused(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*Backup){
		"version: 2 is not 1":                func(b *Backup) { b.Version = 2 },
		`id: "yesterday"`:                    func(b *Backup) { b.ID = "yesterday" },
		"project: ":                          func(b *Backup) { b.Project = "a/b" },
		"stack: ":                            func(b *Backup) { b.Stack = "" },
		`app: "Shop"`:                        func(b *Backup) { b.App = "Shop" },
		"one of them is missing":             func(b *Backup) { b.SnapshotAt = time.Time{} },
		"before startedAt":                   func(b *Backup) { b.FinishedAt = b.StartedAt.Add(-1) },
		"postgres: ":                         func(b *Backup) { b.Postgres.Image = "" },
		`object.key: "elsewhere"`:            func(b *Backup) { b.Object.Key = "elsewhere" },
		"the dump is empty":                  func(b *Backup) { b.Object.Bytes = 0 },
		"globals.sha256":                     func(b *Backup) { b.Globals.SHA256 = "x" },
		`verify.method: "list" is not`:       func(b *Backup) { b.Verify.Method = "list" },
		"verify: it has no time":             func(b *Backup) { b.Verify.At = time.Time{} },
		"database.name":                      func(b *Backup) { b.Database.Name = "a\nb" },
		"database.owner":                     func(b *Backup) { b.Database.Owner = "" },
		"database.tables[1]: public.orders ": func(b *Backup) { b.Database.Tables[1].Name = "orders" },
		"database.tables[0].rows: -1":        func(b *Backup) { b.Database.Tables[0].Rows = -1 },
		`database.tables[0].hash: "x"`:       func(b *Backup) { b.Database.Tables[0].Hash = "x" },
		"database.sequences[0]":              func(b *Backup) { b.Database.Sequences[0].Name = "" },
		"database.extensions[0]":             func(b *Backup) { b.Database.Extensions[0].Version = "" },
		`database.objects.hash: ""`:          func(b *Backup) { b.Database.Objects.Hash = "" },
	} {
		b := someBackup()
		edit(&b)
		if _, err := DecodeBackup(b.Encode()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	text := string(someBackup().Encode())
	for name, bad := range map[string]string{
		"nothing": "", "cut": text[:len(text)/2], "more": text + "{}", "unknown": strings.Replace(text, `"id"`, `"ID2"`, 1),
		"list": "[]",
	} {
		if _, err := DecodeBackup([]byte(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := DecodeBackupFailure([]byte(`{"version": 2}`)); err == nil {
		t.Error("another version is accepted")
	}
}

// No text of a cut or changed manifest is taken for a manifest of something else.
func FuzzDecodeBackup(f *testing.F) {
	text := someBackup().Encode()
	f.Add(text)
	f.Add(text[:len(text)-2])
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := DecodeBackup(text)
		if err != nil {
			return
		}
		if err := b.Validate(); err != nil || !json.Valid(text) {
			t.Errorf("accepted %q: %v", text, err)
		}
		if again, err := DecodeBackup(b.Encode()); err != nil || !bytes.Equal(again.Encode(), b.Encode()) {
			t.Errorf("not the same again: %v", err)
		}
	})
}

func TestBackupKeys(t *testing.T) {
	t.Parallel()
	const id = "20261130T031500Z"
	at := time.Date(2026, 11, 30, 4, 15, 0, 5, time.FixedZone("CET", 3600))
	if BackupID(at) != id {
		t.Errorf("the ID is %s", BackupID(at))
	}
	for key, want := range map[string]string{
		BackupRunPrefix(id) + BackupGlobals:     "postgres/backups/2026-11-30/20261130T031500Z/globals.sql",
		BackupKey(id, "shop", BackupDump):       "postgres/backups/2026-11-30/20261130T031500Z/shop/data.dump",
		BackupKey(id, "a/b ..", BackupFailed):   "postgres/backups/2026-11-30/20261130T031500Z/a%2Fb%20../failed.json",
		NewestBackupKey("shop", "data.dump"):    "postgres/newest/shop/data.dump",
		DatabaseLockPath("a/b"):                 "state/database-a%2Fb.lock",
		BackupVerifyContainer:                   "webstack-backup-verify",
		BackupLockPath + " " + BackupLogsDir:    "state/backup.lock state/backups",
		NewestBackupPrefix + " " + BackupPrefix: "postgres/newest/ postgres/backups/",
	} {
		if key != want {
			t.Errorf("got %q, want %q", key, want)
		}
	}
	for _, database := range []string{"shop", "a/b ..", "%2F", "größe"} {
		for _, object := range []string{BackupDump, BackupManifest} {
			gotID, gotDatabase, gotObject, ok := ParseBackupKey(BackupKey(id, database, object))
			if !ok || gotID != id || gotDatabase != database || gotObject != object {
				t.Errorf("%s %s: %q %q %q %v", database, object, gotID, gotDatabase, gotObject, ok)
			}
			gotID, gotDatabase, gotObject, ok = ParseBackupKey(NewestBackupKey(database, object))
			if !ok || gotID != "" || gotDatabase != database || gotObject != object {
				t.Errorf("newest %s %s: %q %q %q %v", database, object, gotID, gotDatabase, gotObject, ok)
			}
		}
	}
	for _, key := range []string{
		"", BackupPrefix, BackupRunPrefix(id) + BackupGlobals, "postgres/backups/2026-11-29/" + id + "/shop/data.dump",
		"postgres/backups/2026-11-30/20261130/shop/data.dump", BackupRunPrefix(id) + "/data.dump",
		BackupRunPrefix(id) + "shop/", BackupRunPrefix(id) + "shop/a/b", BackupRunPrefix(id) + "%zz/data.dump",
		"elsewhere/2026-11-30/" + id + "/shop/data.dump", NewestBackupPrefix + "shop",
	} {
		if id, database, object, ok := ParseBackupKey(key); ok {
			t.Errorf("%q is %q %q %q", key, id, database, object)
		}
	}
}
