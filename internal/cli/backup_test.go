package cli

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate/backups"
)

func listed(now time.Time) []backups.Backup {
	at := func(hours int) (string, time.Time) {
		at := now.Add(-time.Duration(hours) * time.Hour)
		return contract.BackupID(at), at
	}
	verified := func(hours int, newest bool) backups.Backup {
		id, begun := at(hours)
		return backups.Backup{ID: id, Database: "shop", At: begun, Result: backups.Verified, Newest: newest, Manifest: &contract.Backup{
			StartedAt: begun, FinishedAt: begun.Add(75 * time.Second), Object: contract.BackupObject{Bytes: 5 << 19},
			Database: contract.BackupDatabase{Tables: []contract.BackupTable{{BackupCount: contract.BackupCount{Rows: 1234}}}},
			Verify:   contract.BackupVerification{Seconds: 61.5},
		}}
	}
	running, cut, failed := backups.Backup{Database: "blog", Result: backups.Incomplete}, backups.Backup{Database: "shop", Result: backups.Incomplete},
		backups.Backup{Database: "blog", Result: backups.Failed, Error: "make room for the backup\nand more"}
	running.ID, running.At = at(1)
	failed.ID, failed.At = at(25)
	cut.ID, cut.At = at(49)
	warned := verified(2, true)
	warned.Manifest.Warnings = []string{"there are 1234 rows, and 5000 in the backup before"}
	return []backups.Backup{running, warned, failed, cut, verified(73, false)}
}

func TestBackupsTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := &operator{Streams: command.NewStreams(nil, &out, io.Discard)}
	now := time.Date(2026, 11, 30, 3, 15, 0, 0, time.UTC)
	want := `   ID                AGE     DATABASE  RESULT                     DUMP     ROWS  TOOK   VERIFIED
   20261130T021500Z  1h      blog      not verified yet                                 
*  20261130T011500Z  2h      shop      verified                   2.5 MiB  1234  1m15s  by restore, in 1m1.5s
     there are 1234 rows, and 5000 in the backup before
   20261129T021500Z  25h     blog      failed                                           
     make room for the backup
     and more
   20261128T021500Z  2 days  shop      interrupted, not verified                        
   20261127T021500Z  3 days  shop      verified                   2.5 MiB  1234  1m15s  by restore, in 1m1.5s
`
	if err := o.printBackups(listed(now), now); err != nil || cmp.Diff(want, out.String()) != "" {
		t.Error(err, cmp.Diff(want, out.String()))
	}
	out.Reset()
	if err := o.printBackups(nil, now); err != nil || !strings.Contains(out.String(), "There are no backups yet") {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestSelectBackups(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 3, 15, 0, 0, time.UTC)
	for _, test := range []struct {
		databases []string
		last      int
		want      string
	}{
		{nil, 0, "blog shop blog shop shop"}, {nil, 1, "blog shop"}, {[]string{"shop"}, 2, "shop shop"},
		{[]string{"shop"}, 0, "shop shop shop"}, {[]string{"wiki"}, 0, ""},
	} {
		var got []string
		for _, b := range selectBackups(slices.Clone(listed(now)), test.databases, test.last) {
			got = append(got, b.Database)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q, last %d: %q", test.databases, test.last, got)
		}
	}
	if text := dumpSize(1536); text != "1.5 KiB" {
		t.Error(text)
	}
}

func TestBackupsAreOff(t *testing.T) {
	dir := stacks(t, "dev")
	t.Setenv("AWS_ENDPOINT_URL", "")
	status, _, problems := call(t, dir, "backups", "--last", "-1", "-s", "dev")
	if status != command.ExitUsage || !strings.Contains(problems, "--last -1 is less than 0") {
		t.Errorf("status %d, printed %q", status, problems)
	}
	status, _, problems = call(t, dir, "backups", "a", "b", "-s", "dev")
	if status != command.ExitUsage || !strings.Contains(problems, `unexpected argument "b"`) {
		t.Errorf("status %d, printed %q", status, problems)
	}
}
