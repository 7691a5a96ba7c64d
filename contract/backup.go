package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// BackupVersion is the version of the format of a backup's manifest. Readers refuse all other versions.
const BackupVersion = 1

// MaxBackupManifestBytes limits an encoded manifest, so that a reader can safely read it into memory. It has room for
// about 100,000 tables.
const MaxBackupManifestBytes = 32 << 20

// Backup is the manifest of a backup of one database. It is written last, and only after the dump was restored and
// compared, so a backup without a manifest does not count.
type Backup struct {
	// Version is the format's BackupVersion.
	Version int `json:"version"`
	// ID is the ID of the run that made it: see BackupID.
	ID string `json:"id"`
	// Project and Stack are the Pulumi names.
	Project string `json:"project"`
	Stack   string `json:"stack"`
	// App is the app that the database belongs to, "" for the default database.
	App string `json:"app,omitempty"`
	// StartedAt is when the backup of the database began, SnapshotAt is the moment whose data it has, and FinishedAt is
	// when it was verified.
	StartedAt  time.Time `json:"startedAt"`
	SnapshotAt time.Time `json:"snapshotAt"`
	FinishedAt time.Time `json:"finishedAt"`
	// Webstack is the version of the host program.
	Webstack string `json:"webstack"`
	// Postgres is the server.
	Postgres BackupServer `json:"postgres"`
	// Database is what the dump has.
	Database BackupDatabase `json:"database"`
	// Object is the dump, in the custom format of pg_dump. Globals are the roles of the server, as SQL.
	Object  BackupObject `json:"object"`
	Globals BackupObject `json:"globals"`
	// Verify says how the backup was verified.
	Verify BackupVerification `json:"verify"`
	// Warnings are what people should look at.
	Warnings []string `json:"warnings,omitempty"`
}

// BackupServer describes the server that a backup was made of.
type BackupServer struct {
	// Version is the server's version, such as "17.11".
	Version string `json:"version"`
	// Image is the reference of its image, and ImageID the image's ID on the host.
	Image   string `json:"image"`
	ImageID string `json:"imageId"`
}

// BackupDatabase is what a database has, read in the snapshot of the dump.
type BackupDatabase struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
	// Encoding, Provider ("c" for libc, "i" for ICU, "b" for Postgres' own), Collate, Ctype and Locale say how it sorts.
	Encoding string `json:"encoding"`
	Provider string `json:"provider"`
	Collate  string `json:"collate"`
	Ctype    string `json:"ctype"`
	Locale   string `json:"locale,omitempty"`
	// Bytes is its size on the server's disk.
	Bytes int64 `json:"bytes"`
	// Settings are those of ALTER DATABASE SET, and Grants those on the database itself; both sorted.
	Settings []string `json:"settings,omitempty"`
	Grants   []string `json:"grants,omitempty"`
	// Extensions, Tables and Sequences are sorted. Tables leave out materialized views, whose rows a restore computes.
	Extensions []BackupExtension `json:"extensions"`
	Tables     []BackupTable     `json:"tables"`
	Sequences  []BackupSequence  `json:"sequences"`
	// LargeObjects has their number in Rows, and the hash of their content.
	LargeObjects BackupCount `json:"largeObjects"`
	// Objects counts tables, indexes, views, functions, constraints and so on. Its hash covers their names, kinds and owners.
	Objects BackupCount `json:"objects"`
}

// BackupExtension is an installed extension.
type BackupExtension struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Schema  string `json:"schema"`
}

// BackupTable is a table with its content.
type BackupTable struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	BackupCount
}

// BackupCount is a number of rows and a hash of them that does not depend on their order.
type BackupCount struct {
	Rows int64  `json:"rows"`
	Hash string `json:"hash"`
}

// BackupSequence is a sequence with its state.
type BackupSequence struct {
	Schema    string `json:"schema"`
	Name      string `json:"name"`
	LastValue int64  `json:"lastValue"`
	IsCalled  bool   `json:"isCalled"`
}

// BackupObject is an object in the backup bucket.
type BackupObject struct {
	Key    string `json:"key"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// VersionID is the version of the object, which no later upload changes.
	VersionID string `json:"versionId"`
}

// BackupVerification says how a backup was verified.
type BackupVerification struct {
	// Method is VerifiedByRestore.
	Method string `json:"method"`
	// At is when, and Seconds how long it took.
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`
}

// VerifiedByRestore says that the dump was downloaded, restored into another server of the same image, compared with the
// database, and checked with pg_amcheck.
const VerifiedByRestore = "restore"

// Rows returns how many rows all tables have.
func (b Backup) Rows() int64 {
	rows := int64(0)
	for _, t := range b.Database.Tables {
		rows += t.Rows
	}
	return rows
}

// BackupFailure is what is stored instead of a manifest when a backup failed.
type BackupFailure struct {
	Version  int       `json:"version"`
	ID       string    `json:"id"`
	Database string    `json:"database"`
	At       time.Time `json:"at"`
	Error    string    `json:"error"`
}

// Encode returns the JSON text.
func (b Backup) Encode() []byte { return encodeBackup(b) }

// Encode returns the JSON text.
func (f BackupFailure) Encode() []byte { return encodeBackup(f) }

func encodeBackup(v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	// A struct of strings, numbers, times and slices of these always encodes without an error.
	_ = enc.Encode(v)
	return out.Bytes()
}

// DecodeBackup decodes a manifest. It refuses unknown fields, text after the object, and everything that Validate
// refuses.
func DecodeBackup(text []byte) (Backup, error) {
	var b Backup
	if err := decodeBackup(text, &b); err != nil {
		return Backup{}, fmt.Errorf("read the manifest of a backup: %w", err)
	}
	if err := b.Validate(); err != nil {
		return Backup{}, fmt.Errorf("read the manifest of a backup: %w", err)
	}
	return b, nil
}

// DecodeBackupFailure decodes what BackupFailure.Encode returned.
func DecodeBackupFailure(text []byte) (BackupFailure, error) {
	var f BackupFailure
	if err := decodeBackup(text, &f); err != nil {
		return BackupFailure{}, fmt.Errorf("read why a backup failed: %w", err)
	}
	if f.Version != BackupVersion {
		return BackupFailure{}, fmt.Errorf("read why a backup failed: its version is %d, not %d", f.Version, BackupVersion)
	}
	return f, nil
}

func decodeBackup(text []byte, to any) error {
	if len(text) > MaxBackupManifestBytes {
		return fmt.Errorf("it has %d bytes, more than the allowed %d", len(text), MaxBackupManifestBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(text[dec.InputOffset():]); len(rest) > 0 {
		return errors.New("text follows the object")
	}
	return nil
}

// backupIDLayout is the layout of a BackupID.
const backupIDLayout = "20060102T150405Z"

// BackupID returns the ID of a backup run that began at a time: the time in UTC, such as 20261130T031500Z.
func BackupID(at time.Time) string { return at.UTC().Format(backupIDLayout) }

// EndOfSecond returns the last moment of the second of a time. People name times by the second, such as that of a backup's
// data, and mean all of it.
func EndOfSecond(t time.Time) time.Time { return t.Truncate(time.Second).Add(time.Second - 1) }

// ParseBackupID returns the time of a BackupID.
func ParseBackupID(id string) (time.Time, error) {
	at, err := time.Parse(backupIDLayout, id)
	if err != nil || BackupID(at) != id {
		return time.Time{}, fmt.Errorf("%q is not the ID of a backup, such as 20261130T031500Z", id)
	}
	return at, nil
}

// The last parts of the keys of a backup's objects.
const (
	// BackupDump is the dump.
	BackupDump = "data.dump"
	// BackupManifest is the manifest, which is written last. A backup without it is incomplete.
	BackupManifest = "manifest.json"
	// BackupFailed is what is written instead of the manifest if the backup failed: a BackupFailure.
	BackupFailed = "failed.json"
	// BackupGlobals are the roles.
	BackupGlobals = "globals.sql"
	// BackupReplaced is a dump of a database that a restore was about to replace. It has no manifest because it was not verified.
	BackupReplaced = "replaced.dump"
)

// BackupRunPrefix returns the beginning of the keys of a run's objects.
func BackupRunPrefix(id string) string {
	date := id
	if at, err := ParseBackupID(id); err == nil {
		date = at.Format(time.DateOnly)
	}
	return BackupPrefix + date + "/" + id + "/"
}

// BackupKey returns the key of an object of a database's backup, such as BackupDump. A database's name is escaped like
// a part of a URL's path, so that its keys are never another one's.
func BackupKey(id, database, object string) string {
	return BackupRunPrefix(id) + url.PathEscape(database) + "/" + object
}

// NewestBackupKey returns the key of an object of the newest verified backup of a database. It is a copy that does not
// expire.
func NewestBackupKey(database, object string) string {
	return NewestBackupPrefix + url.PathEscape(database) + "/" + object
}

// ParseBackupKey splits a BackupKey or a NewestBackupKey. The second has the ID "".
func ParseBackupKey(key string) (id, database, object string, ok bool) {
	rest, newest := strings.CutPrefix(key, NewestBackupPrefix)
	if !newest {
		date, after, found := strings.Cut(strings.TrimPrefix(key, BackupPrefix), "/")
		if id, rest, ok = strings.Cut(after, "/"); !found || !ok {
			return "", "", "", false
		}
		at, err := ParseBackupID(id)
		if err != nil || at.Format(time.DateOnly) != date || !strings.HasPrefix(key, BackupPrefix) {
			return "", "", "", false
		}
	}
	escaped, object, found := strings.Cut(rest, "/")
	database, err := url.PathUnescape(escaped)
	if !found || err != nil || database == "" || object == "" || strings.Contains(object, "/") {
		return "", "", "", false
	}
	return id, database, object, true
}

// Patterns of what a restore gets; they match whole texts.
const (
	// RestoreAtPattern matches what chooses a backup: latest, the ID of a backup, or a time in UTC.
	RestoreAtPattern = `(?:latest|[0-9]{8}T[0-9]{6}Z|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)`
	// RestoreToPattern matches the name of a new database to restore to. It needs no quotes in SQL.
	RestoreToPattern = `[a-z][a-z0-9_]{0,62}`
	// BackupIDPattern matches a BackupID.
	BackupIDPattern = `[0-9]{8}T[0-9]{6}Z`
)

// DatabaseLockPath returns the path, relative to the stack directory, of the lock that keeps a migration of a database
// and a dump of it apart.
func DatabaseLockPath(database string) string {
	return StateDir + "/database-" + url.PathEscape(database) + ".lock"
}
