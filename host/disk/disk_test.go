package disk

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestSpace(t *testing.T) {
	t.Parallel()
	total, free, err := Space(t.TempDir())
	if err != nil || total < 1<<20 || free <= 0 || free > total {
		t.Errorf("%d of %d bytes free, %v", free, total, err)
	}
	total, free, err = Inodes("/dev/shm")
	if err != nil || total <= 0 || free <= 0 || free > total {
		t.Errorf("%d of %d inodes free, %v", free, total, err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	if _, _, err := Space(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("error is %v", err)
	}
}
