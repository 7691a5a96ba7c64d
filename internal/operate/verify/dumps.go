package verify

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"webstack/contract"
	"webstack/internal/operate"
)

// grace is how late a backup may be, including the time it takes.
const grace = 2 * time.Hour

// dateLayout is the layout of the date that names of backups begin with.
const dateLayout = "2006-01-02"

func checkDumps(ctx context.Context, w *world) ([]finding, error) {
	bucket, err := w.bucket(ctx)
	if err != nil {
		return nil, err
	}
	dates, newest, err := w.dumps(ctx, bucket.name)
	if err != nil {
		return nil, err
	}
	every := w.config.BackupSchedule.Longest() + grace
	switch age := w.now.Sub(newest); {
	case len(dates) == 0:
		return []finding{{outcome: Later,
			found: "none: this version does not make backups yet; dump by hand: docs/operations.md, Backups"}}, nil
	case age > every:
		return []finding{failed("", "dump by hand: docs/operations.md, Backups", "the newest is %s old", operate.Ago(age))}, nil
	default:
		return []finding{passed("", "%d backups, the newest is %s, %s old", len(dates), dates[len(dates)-1],
			operate.Ago(age))}, nil
	}
}

// dumps returns the sorted dates of the backups, and when the newest one was complete. A backup without a manifest does
// not count.
func (w *world) dumps(ctx context.Context, bucket string) (dates []string, newest time.Time, err error) {
	pages := s3.NewListObjectsV2Paginator(w.s3, &s3.ListObjectsV2Input{
		Bucket: &bucket, Prefix: aws.String(contract.BackupPrefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, newest, operate.Explain("list the backups in "+bucket, err)
		}
		for _, object := range page.Contents {
			key := strings.TrimPrefix(aws.ToString(object.Key), contract.BackupPrefix)
			date, isManifest := strings.CutSuffix(key, "/"+contract.BackupManifest)
			if !isManifest || len(date) < len(dateLayout) {
				continue
			}
			if _, err := time.Parse(dateLayout, date[:len(dateLayout)]); err != nil {
				continue
			}
			dates = append(dates, date)
			if at := aws.ToTime(object.LastModified); at.After(newest) {
				newest = at
			}
		}
	}
	slices.Sort(dates)
	return dates, newest, nil
}

// Backup is a complete backup.
type Backup struct {
	// Bucket is where it is, Name its name under contract.BackupPrefix; "" if there is none.
	Bucket, Name string
	// At is when it was complete.
	At time.Time
}

// LastBackup finds the newest complete backup of a stack; its Name is "" if there is none.
func LastBackup(ctx context.Context, stack *operate.Stack) (Backup, error) {
	w := newWorld(Options{Stack: stack})
	bucket, err := w.bucket(ctx)
	if err != nil {
		return Backup{}, err
	}
	dates, newest, err := w.dumps(ctx, bucket.name)
	if err != nil || len(dates) == 0 {
		return Backup{Bucket: bucket.name}, err
	}
	return Backup{Bucket: bucket.name, Name: dates[len(dates)-1], At: newest}, nil
}
