package backups

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"webstack/contract"
)

// bucket is a bucket in memory whose lists have one key per page.
type bucket map[string][]byte

func (b bucket) ListObjectsV2(
	_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options),
) (*s3.ListObjectsV2Output, error) {
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if strings.HasPrefix(key, *in.Prefix) && key > aws.ToString(in.ContinuationToken) {
			return &s3.ListObjectsV2Output{
				Contents: []types.Object{{Key: &key, LastModified: aws.Time(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}}, IsTruncated: aws.Bool(true),
				NextContinuationToken: &key,
			}, nil
		}
	}
	return &s3.ListObjectsV2Output{}, nil
}

func (b bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	content, ok := b[*in.Key]
	if !ok {
		return nil, errors.New("NoSuchKey")
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(content))}, nil
}

func manifest(id, database string) contract.Backup {
	at, sum := time.Date(2026, 11, 30, 3, 15, 0, 0, time.UTC), contract.Sum(nil)
	object := contract.BackupObject{Key: contract.BackupKey(id, database, contract.BackupDump), Bytes: 7, SHA256: sum}
	zero := contract.BackupCount{Hash: "0"}
	return contract.Backup{
		Version: contract.BackupVersion, ID: id, Project: "webstack", Stack: "dev", StartedAt: at, SnapshotAt: at, FinishedAt: at,
		Postgres: contract.BackupServer{Version: "17.11", Image: "postgres"}, Object: object, Globals: object,
		Database: contract.BackupDatabase{Name: database, Owner: "shop", Encoding: "UTF8", LargeObjects: zero, Objects: zero},
		Verify:   contract.BackupVerification{Method: contract.VerifiedByRestore, At: at},
	}
}

const older, newer, newest = "20261128T031500Z", "20261129T031500Z", "20261130T031500Z"

func full() bucket {
	b := bucket{
		contract.BackupRunPrefix(older) + contract.BackupGlobals: nil, "imports/shop.dump": nil,
		contract.BackupPrefix + "stranger":                                      nil,
		contract.BackupKey("20261130T160000Z", "shop", contract.BackupReplaced): nil,
		contract.BackupKey(newest, "shop", contract.BackupDump):                 nil,
		contract.BackupKey(newest, "blog", contract.BackupFailed): contract.BackupFailure{
			Version: contract.BackupVersion, ID: newest, Database: "blog", Error: "no space",
		}.Encode(),
		contract.BackupKey(newer, "app", contract.BackupManifest): []byte("{}"),
	}
	for _, database := range []string{"shop", "blog", "gone"} {
		id := map[string]string{"shop": newer, "blog": older, "gone": "20260101T031500Z"}[database]
		b[contract.NewestBackupKey(database, contract.BackupManifest)] = manifest(id, database).Encode()
		b[contract.NewestBackupKey(database, contract.BackupDump)] = nil
		if database != "gone" {
			b[contract.BackupKey(id, database, contract.BackupManifest)] = manifest(id, database).Encode()
			b[contract.BackupKey(older, database, contract.BackupManifest)] = manifest(older, database).Encode()
		}
	}
	return b
}

func TestList(t *testing.T) {
	t.Parallel()
	b := full()
	all, err := Index(t.Context(), b, "backups")
	if err != nil {
		t.Fatal(err)
	}
	if err := Read(t.Context(), b, "backups", all); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range all {
		text := strings.Join([]string{one.ID, one.Database, one.Result}, " ")
		if one.Newest {
			text += " *"
		}
		got = append(got, text)
	}
	want := []string{
		newest + " blog failed", newest + " shop incomplete", newer + " app failed", newer + " shop verified *",
		older + " blog verified *", older + " shop verified", "20260101T031500Z gone verified *",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if all[0].Error != "no space" || !strings.Contains(all[2].Error, "version: 0 is not 1") || all[3].Manifest.Object.Bytes != 7 ||
		all[6].At.Year() != 2026 || all[6].At.Month() != time.January {
		t.Errorf("got %+v", all)
	}
	found := Newest(all)
	if len(found) != 3 || found["shop"].ID != newer || found["blog"].ID != older || found["gone"].Manifest == nil {
		t.Errorf("the newest are %+v", found)
	}
	delete(b, contract.BackupKey(newer, "shop", contract.BackupManifest))
	if err := Read(t.Context(), b, "backups", all); err == nil || !strings.Contains(err.Error(), "NoSuchKey") {
		t.Errorf("a manifest that disappears: %v", err)
	}
}
