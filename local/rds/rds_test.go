package rds

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/local/machine"
)

// fakeDocker returns a docker command that records its arguments and input, and returns the path of the record. The
// content of a file named like a command, such as "port", is its answer; without one the answer is empty.
func fakeDocker(t *testing.T) (dir string, wrote func() string) {
	t.Helper()
	dir = t.TempDir()
	script := `#!/bin/sh
set -eu
dir="$(dirname "$0")"
echo "$*" >>"$dir/wrote"
case "$*" in *--interactive*) cat >>"$dir/wrote" ;; *"cp -"*) cat >/dev/null ;; esac
if [ -f "$dir/$1.fail" ]; then cat "$dir/$1.fail" >&2; exit 1; fi
if [ -f "$dir/$1" ]; then cat "$dir/$1"; fi
`
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	answer(t, dir, "port", "127.0.0.1:4711")
	return dir, func() string {
		text, err := os.ReadFile(filepath.Join(dir, "wrote"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func answer(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newEngine() *Engine {
	return New(Options{
		ID:          "test",
		Image:       func(context.Context) (string, error) { return "an-image", nil },
		Certificate: func(string) (certificate, key []byte, err error) { return []byte("certificate"), []byte("key"), nil },
	})
}

var spec = Spec{User: `bo"ss`, Password: "canary-password", Database: "app"}

func TestLife(t *testing.T) {
	_, wrote := fakeDocker(t)
	e := newEngine()
	address, err := e.Create(t.Context(), "db-1", spec)
	if err != nil {
		t.Fatal(err)
	}
	if address != machine.DatabaseAddress(1) || e.Target(address) != "127.0.0.1:4711" {
		t.Errorf("the address %s leads to %q", address, e.Target(address))
	}
	if err := e.SetPassword(t.Context(), "db-1", spec.User, "canary-changed"); err != nil {
		t.Fatal(err)
	}
	text := wrote()
	for _, want := range []string{
		"--label webstack.cloud=test", "volume-label=webstack.cloud=test", "--publish 127.0.0.1::5432", "-c ssl=on",
		`CREATE ROLE "bo""ss" LOGIN CREATEDB CREATEROLE PASSWORD 'SCRAM-SHA-256$4096:`, `CREATE DATABASE "app" OWNER "bo""ss"`,
		`ALTER ROLE "bo""ss" PASSWORD 'SCRAM-SHA-256$4096:`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("docker was not told %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "canary") {
		t.Errorf("docker was told a password:\n%s", text)
	}
	if _, err := e.Create(t.Context(), "db-1", spec); err == nil {
		t.Error("a database is created twice")
	}
	if err := e.Stop(t.Context(), "db-1"); err != nil || e.Target(address) != "" {
		t.Errorf("stopped: %v, and the address leads to %q", err, e.Target(address))
	}
	if err := e.Start(t.Context(), "db-1"); err != nil || e.Target(address) == "" {
		t.Errorf("started: %v, and the address leads to %q", err, e.Target(address))
	}
	for range 2 {
		if err := e.Delete(t.Context(), "db-1"); err != nil || e.Target(address) != "" {
			t.Errorf("deleted: %v, and the address leads to %q", err, e.Target(address))
		}
	}
	for name, do := range map[string]func(context.Context, string) error{"start": e.Start, "stop": e.Stop} {
		if err := do(t.Context(), "db-1"); err == nil {
			t.Errorf("%s a database that is gone: no error", name)
		}
	}
}

func TestAddressesAreUsedAgain(t *testing.T) {
	fakeDocker(t)
	e := newEngine()
	for i, id := range []string{"a", "b", "c"} {
		if address, err := e.Create(t.Context(), id, spec); err != nil || address != machine.DatabaseAddress(i+1) {
			t.Errorf("%s: %s, %v", id, address, err)
		}
	}
	if err := e.Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if address, err := e.Create(t.Context(), "d", spec); err != nil || address != machine.DatabaseAddress(2) {
		t.Errorf("after one is gone: %s, %v", address, err)
	}
}

func TestNothingIsLeftOfWhatFails(t *testing.T) {
	dir, wrote := fakeDocker(t)
	answer(t, dir, "exec.fail", "Error response from daemon: container x is not running")
	answer(t, dir, "logs", "FATAL: no space left on device")
	e := newEngine()
	_, err := e.Create(t.Context(), "db-1", spec)
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("a server that ends: %v", err)
	}
	if !strings.Contains(wrote(), "rm --force --volumes webstack-test-db-1\nvolume rm --force webstack-test-db-1") {
		t.Errorf("it was not removed:\n%s", wrote())
	}
	cause := errors.New("no image")
	e.options.Image = func(context.Context) (string, error) { return "", cause }
	if _, err := e.Create(t.Context(), "db-1", spec); !errors.Is(err, cause) {
		t.Errorf("without an image: %v", err)
	}
	if _, err := e.Create(t.Context(), "db-2", Spec{User: "boss", Password: "tschüß"}); err == nil ||
		strings.Contains(err.Error(), "tschüß") {
		t.Errorf("a password that is not ASCII: %v", err)
	}
}
