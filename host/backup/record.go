package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"webstack/internal/atomicfile"
	"webstack/internal/filelock"
)

// record is what is known about a restore that replaces a database. It is on the disk from before the app is stopped
// until it runs again, so that another process can go on when this one is killed.
type record struct {
	ID       string `json:"id"`
	App      string `json:"app"`
	Database string `json:"database"`
	// Copy is the restored database, and Before the name that the live one gets.
	Copy   string `json:"copy"`
	Before string `json:"before"`
	// Existed says that there was a database to replace, and Empty that it had nothing in it.
	Existed bool `json:"existed"`
	Empty   bool `json:"empty,omitempty"`
	// Maintenance says that the app stays in maintenance. Maintain may change it at any time.
	Maintenance bool `json:"maintenance"`
}

// readRecord reads a record. If there is none, the error is fs.ErrNotExist.
func readRecord(path string) (rec record, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &rec)
	}
	if err != nil {
		return rec, fmt.Errorf("read the record of a restore: %w", err)
	}
	return rec, nil
}

func (rec record) write(path string) error {
	text, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(text, '\n'), 0o600)
}

// Pending returns the ID of the restore that is replacing the database of an app, or was interrupted while it did; "" if
// there is none. record is the path of contract.RestoreRecordFile.
func Pending(record, app string) string {
	if rec, err := readRecord(record); err == nil && rec.App == app {
		return rec.ID
	}
	return ""
}

// IsPending reports whether a restore is replacing a database, or was interrupted while it did.
func IsPending(record string) bool {
	_, err := os.Stat(record)
	return !errors.Is(err, fs.ErrNotExist)
}

// withPages calls do under the lock of the record of a restore and of the maintenance pages. The lock is beside the record.
func withPages(ctx context.Context, record string, do func() error) error {
	release, err := filelock.Acquire(ctx, record+".lock", nil)
	if err != nil {
		return err
	}
	defer release()
	return do()
}

// MaintainOptions configure Maintain.
type MaintainOptions struct {
	// Record is the path of contract.RestoreRecordFile.
	Record string
	// App is the app, On says whether its visitors get the page, and Message what that says.
	App     string
	On      bool
	Message string
	// Maintain writes the page or removes it, and makes Caddy know.
	Maintain func(ctx context.Context, app string, on bool, message string) error
	// Out gets a line if a restore delays what was asked for.
	Out io.Writer
}

// Maintain puts an app into maintenance, or ends that. It does not wait for a restore that replaces the app's database, but
// says what the restore does when it ends: visitors never get an app without its data.
func Maintain(ctx context.Context, o MaintainOptions) error {
	return withPages(ctx, o.Record, func() error {
		rec, err := readRecord(o.Record)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		restoring := err == nil && rec.App == o.App
		if restoring {
			rec.Maintenance = o.On
			if err := rec.write(o.Record); err != nil {
				return err
			}
		}
		if restoring && !o.On {
			_, err := fmt.Fprintf(o.Out, "%s: its data is being restored; visitors get in when that has ended. If the restore was "+
				"interrupted, the next deploy, backup or converge ends it\n", o.App)
			return err
		}
		return o.Maintain(ctx, o.App, o.On, o.Message)
	})
}
