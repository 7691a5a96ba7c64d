// Package backups lists the backups in a backup bucket.
package backups

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"webstack/contract"
	"webstack/internal/operate"
)

// The results of a backup.
const (
	// Verified says that the backup was restored and compared, so it counts.
	Verified = "verified"
	// Failed says that the backup failed; Error says why.
	Failed = "failed"
	// Incomplete says that the backup is still being made, or was interrupted.
	Incomplete = "incomplete"
)

// Backup is a backup of a database. The JSON form is stable: fields are added, never renamed or removed.
type Backup struct {
	ID       string `json:"id"`
	Database string `json:"database"`
	// At is when the run began that made it.
	At time.Time `json:"at"`
	// Result is Verified, Failed or Incomplete.
	Result string `json:"result"`
	// Newest is true for the newest verified backup of the database, which does not expire.
	Newest bool `json:"newest"`
	// Error says why it failed.
	Error string `json:"error,omitempty"`
	// Manifest is the manifest of a verified backup.
	Manifest *contract.Backup `json:"manifest,omitempty"`
}

// API are the calls that are needed.
type API interface {
	s3.ListObjectsV2APIClient
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Client returns the client for an account.
func Client(config aws.Config) *s3.Client {
	return s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = config.BaseEndpoint != nil })
}

// Index finds all backups of a bucket, the newest first, without reading their manifests. A database whose backups have
// all expired has the copy of the newest one.
func Index(ctx context.Context, client s3.ListObjectsV2APIClient, bucket string) ([]Backup, error) {
	type name struct{ id, database string }
	found, kept := map[name]*Backup{}, map[string]time.Time{}
	err := eachKey(ctx, client, bucket, func(key string, modified time.Time) {
		id, database, object, ok := contract.ParseBackupKey(key)
		if !ok || object == contract.BackupReplaced {
			return
		}
		if id == "" {
			if object == contract.BackupManifest {
				kept[database] = modified
			}
			return
		}
		n := name{id, database}
		if found[n] == nil {
			at, _ := contract.ParseBackupID(id)
			found[n] = &Backup{ID: id, Database: database, At: at, Result: Incomplete}
		}
		switch b := found[n]; {
		case object == contract.BackupManifest:
			b.Result = Verified
		case object == contract.BackupFailed && b.Result != Verified:
			b.Result = Failed
		}
	})
	if err != nil {
		return nil, err
	}
	var all []Backup
	for _, b := range found {
		all = append(all, *b)
	}
	slices.SortFunc(all, func(a, b Backup) int {
		return cmp.Or(cmp.Compare(b.ID, a.ID), cmp.Compare(a.Database, b.Database))
	})
	for i, b := range all {
		if _, ok := kept[b.Database]; ok && b.Result == Verified {
			all[i].Newest = true
			delete(kept, b.Database)
		}
	}
	for _, database := range slices.Sorted(maps.Keys(kept)) {
		// Its ID is in its manifest.
		all = append(all, Backup{Database: database, At: kept[database].UTC(), Result: Verified, Newest: true})
	}
	return all, nil
}

// eachKey calls do with the key of each object of backups, and when it was written.
func eachKey(
	ctx context.Context, client s3.ListObjectsV2APIClient, bucket string, do func(key string, modified time.Time),
) error {
	for _, prefix := range []string{contract.BackupPrefix, contract.NewestBackupPrefix} {
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return operate.Explain("list the backups in "+bucket, err)
			}
			for _, object := range page.Contents {
				do(aws.ToString(object.Key), aws.ToTime(object.LastModified))
			}
		}
	}
	return nil
}

// Newest returns the newest verified backup of each database.
func Newest(all []Backup) map[string]Backup {
	newest := map[string]Backup{}
	for _, b := range all {
		if b.Result == Verified && b.At.After(newest[b.Database].At) {
			newest[b.Database] = b
		}
	}
	return newest
}

// atOnce is how many objects are read at the same time.
const atOnce = 8

// Read adds to backups what their manifests and failures say.
func Read(ctx context.Context, client API, bucket string, all []Backup) error {
	slots, problems := make(chan struct{}, atOnce), make([]error, len(all))
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			problems[i] = all[i].read(ctx, client, bucket)
		})
	}
	group.Wait()
	for _, err := range problems {
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Backup) read(ctx context.Context, client API, bucket string) error {
	key := contract.BackupKey(b.ID, b.Database, contract.BackupManifest)
	switch {
	case b.Result == Failed:
		key = contract.BackupKey(b.ID, b.Database, contract.BackupFailed)
	case b.Result == Incomplete:
		return nil
	case b.ID == "":
		key = contract.NewestBackupKey(b.Database, contract.BackupManifest)
	}
	text, err := get(ctx, client, bucket, key)
	if err != nil {
		return err
	}
	if b.Result == Failed {
		failure, err := contract.DecodeBackupFailure(text)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		b.Error = failure.Error
		return nil
	}
	m, err := contract.DecodeBackup(text)
	if err != nil {
		// What cannot be read cannot be restored from, and must not hide the others.
		b.Result, b.Newest, b.Error = Failed, false, err.Error()
		return nil
	}
	b.ID, b.Manifest = m.ID, &m
	b.At, err = contract.ParseBackupID(m.ID)
	return err
}

func get(ctx context.Context, client API, bucket, key string) ([]byte, error) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, operate.Explain("read "+key+" in "+bucket, err)
	}
	defer func() { _ = out.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(out.Body, contract.MaxBackupManifestBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s in %s: %w", key, bucket, err)
	}
	return text, nil
}
