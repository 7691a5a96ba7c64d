package workdir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"webstack/internal/filelock"
)

// Lock locks the file at path like filelock.Acquire, and creates its folder if it is missing.
func Lock(ctx context.Context, path string, waiting func()) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of lock file %s: %w", path, err)
	}
	return filelock.Acquire(ctx, path, waiting)
}
