package dockercli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pretend makes a script the docker command.
func pretend(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestRun(t *testing.T) {
	pretend(t, `echo "$1" and; cat; echo`)
	if got, err := RunWith(t.Context(), strings.NewReader("input"), "load"); err != nil || got != "load and\ninput" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFailures(t *testing.T) {
	pretend(t, `echo "docker: Error response from daemon: No such container: x" >&2; echo "See 'docker rm --help'." >&2; exit 1`)
	_, err := Run(t.Context(), "rm", "x")
	if err == nil || err.Error() != "docker rm: Error response from daemon: No such container: x" {
		t.Errorf("got %v", err)
	}
	if !Gone(err) || !Said(err, "no such") || Said(err, "is not running") || Said(errors.New("no such"), "no such") {
		t.Errorf("what %v says is not understood", err)
	}
	pretend(t, "exit 3")
	if _, err := Run(t.Context(), "info"); err == nil || err.Error() != "docker info: exit status 3" || Gone(err) {
		t.Errorf("one that says nothing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, "info"); !errors.Is(err, context.Canceled) {
		t.Errorf("one that is no longer wanted: %v", err)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	if got := Lines("\na\r\n\nb\n"); strings.Join(got, ",") != "a,b" {
		t.Errorf("got %q", got)
	}
}
