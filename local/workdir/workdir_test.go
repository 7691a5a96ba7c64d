package workdir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"webstack/internal/atomicfile"
)

func TestForgetKeepsTools(t *testing.T) {
	t.Parallel()
	dir := Dir(t.TempDir())
	tool := filepath.Join(dir.Bin(), "pulumi")
	for _, path := range []string{tool, dir.CloudFile(), dir.LocalEnv(), filepath.Join(dir.State(), "meta.yaml")} {
		if err := atomicfile.Write(path, []byte("x"), 0o600); err != nil {
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
