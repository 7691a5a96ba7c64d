package workdir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindWalksUpToTheProject(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	inner := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(inner); err == nil || !strings.Contains(err.Error(), "run this inside one") {
		t.Errorf("without Pulumi.yaml: got %v, want advice", err)
	}
	if err := os.WriteFile(filepath.Join(root, "Pulumi.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{inner, root} {
		got, err := Find(from)
		if err != nil || got != Dir(root) {
			t.Errorf("Find(%s) = %s, %v; want %s", from, got, err, root)
		}
	}
}

func TestForgetKeepsTools(t *testing.T) {
	t.Parallel()
	dir := Dir(t.TempDir())
	tool := filepath.Join(dir.Bin(), "pulumi")
	for _, path := range []string{tool, dir.CloudFile(), dir.LocalEnv(), filepath.Join(dir.State(), "meta.yaml")} {
		if err := WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := dir.Forget(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tool); err != nil {
		t.Errorf("the tool is gone: %v", err)
	}
	for _, path := range []string{dir.Run(), dir.State(), dir.LocalEnv()} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
}

func TestWriteFileReplacesAndLeavesNothingElse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "file")
	for _, content := range []string{"one", "two"} {
		if err := WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("read %q, %v; want %q", got, err, content)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v; want one file", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v; want 0600", info.Mode(), err)
	}
}

func TestLockWaitsForItsHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "locks", "up")
	release, err := Lock(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want a wait that was cancelled", err)
	}
	again, err := Lock(t.Context(), path, release) // the holder lets go once it is waited for
	if err != nil {
		t.Fatal(err)
	}
	again()
}
