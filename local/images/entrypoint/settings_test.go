package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestSettings(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(" s3cret \n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env  map[string]string
		want settings
	}{
		"nothing": {nil, settings{
			data: "/var/lib/postgresql/data", user: "postgres", database: "postgres", initArgs: []string{}}},
		"database after user": {map[string]string{"POSTGRES_USER": "root user"}, settings{
			data: "/var/lib/postgresql/data", user: "root user", database: "root user", initArgs: []string{}}},
		"all": {map[string]string{
			"PGDATA": "/data", "POSTGRES_USER": "admin", "POSTGRES_PASSWORD_FILE": secret, "POSTGRES_DB": "app",
			"POSTGRES_INITDB_ARGS": "--data-checksums --no-sync",
		}, settings{
			data: "/data", user: "admin", password: " s3cret ", database: "app",
			initArgs: []string{"--data-checksums", "--no-sync"}}},
	} {
		got, err := readSettings(env(test.env))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(settings{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSettingsThatContradict(t *testing.T) {
	t.Parallel()
	for want, values := range map[string]map[string]string{
		"POSTGRES_PASSWORD_FILE is set too": {"POSTGRES_PASSWORD": "s3cret", "POSTGRES_PASSWORD_FILE": "/x"},
		"read POSTGRES_USER_FILE: ":         {"POSTGRES_USER_FILE": filepath.Join(t.TempDir(), "missing")},
	} {
		_, err := readSettings(env(values))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestAnExistingDatabaseIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := settings{data: t.TempDir()}
	if err := setUp(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), "POSTGRES_PASSWORD") {
		t.Errorf("an empty directory without a password: %v", err)
	}
	if err := os.WriteFile(filepath.Join(s.data, "PG_VERSION"), []byte("17\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := setUp(t.Context(), s, nil); err != nil {
		t.Error(err)
	}
}

func TestHelpNeedsNoDatabase(t *testing.T) {
	t.Parallel()
	if !asksOnly([]string{"-c", "x=y", "--version"}) || asksOnly([]string{"-c", "fsync=off"}) {
		t.Error("questions and orders are mixed up")
	}
}
