package backup

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/host/command"
)

func TestCanary(t *testing.T) {
	t.Parallel()
	d := contract.BackupDatabase{Tables: []contract.BackupTable{{Schema: "a", Name: "b"}}}
	if err := refused(d, d); !errors.Is(err, errCanary) {
		t.Errorf("no difference: %v", err)
	}
	if err := new(session).canary(d); err != nil {
		t.Errorf("only empty tables: %v", err)
	}
}

// An extension that a restore makes newer is no reason to have no backup.
func TestExtensionVersions(t *testing.T) {
	t.Parallel()
	d := func(version, schema string) contract.BackupDatabase {
		return contract.BackupDatabase{Extensions: []contract.BackupExtension{{Name: "citext", Version: version, Schema: schema}}}
	}
	problems, warnings := compare(d("1.5", "a"), d("1.6", "a"), nil)
	if len(problems) > 0 || len(warnings) != 1 || !strings.Contains(warnings[0], `ALTER EXTENSION "citext" UPDATE`) {
		t.Errorf("%q, %q", problems, warnings)
	}
	if problems, _ := compare(d("1.5", "a"), d("1.5", "b"), nil); len(problems) != 1 {
		t.Errorf("another schema: %q", problems)
	}
	if problems, _ := compare(d("1.5", "a"), contract.BackupDatabase{}, nil); len(problems) != 1 {
		t.Errorf("missing: %q", problems)
	}
	many := make([]string, 7)
	if err := differences(many); !strings.HasSuffix(err.Error(), "and 2 more differences") {
		t.Error(err)
	}
}

// Postgres quotes rows in its messages. They are the app's.
func TestMessagesHaveNoRows(t *testing.T) {
	t.Parallel()
	err := withoutData(&command.ExitError{Program: "docker exec", Code: 1, Message: "pg_restore: error: COPY failed\n" +
		"DETAIL:  Key (email)=(canary) already exists.\nCONTEXT:  COPY users, line 1: \"canary\"\nCommand was: COPY users"})
	if text := err.Error(); strings.Contains(text, "canary") || text != "docker exec: exit code 1: pg_restore: error: COPY failed\nCommand was: COPY users" {
		t.Error(text)
	}
	if err := withoutData(errCanary); err != errCanary { //nolint:errorlint // the same
		t.Error(err)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 5 << 40: "5.0 TiB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %s", bytes, got)
		}
	}
	for version, want := range map[string]string{"15.4": "6", "16.1": "zstd:3", "17.11": "zstd:3", "": "zstd:3"} {
		if got := compression(version); got != want {
			t.Errorf("%s: %s", version, got)
		}
	}
	globals := "--\nCREATE ROLE owner;\nALTER ROLE owner WITH SUPERUSER;\nCREATE ROLE \"ow-ner\";\n"
	for role, left := range map[string]int{"owner": 1, "ow-ner": 1, "other": 2} {
		if n := strings.Count(withoutRole(globals, role), "CREATE ROLE"); n != left {
			t.Error(fmt.Sprint(role, n))
		}
	}
}
