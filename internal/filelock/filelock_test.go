package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestAcquireExcludesOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	var inside, most int
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		inside += by
		most = max(most, inside)
	}
	for range 8 {
		wg.Go(func() {
			release, err := Acquire(t.Context(), path, func() {})
			if err != nil {
				t.Error(err)
				return
			}
			count(+1)
			count(-1)
			release()
		})
	}
	wg.Wait()
	if most != 1 {
		t.Errorf("%d held the lock at once", most)
	}
}

func TestAcquireWaitsAndStopsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	release, err := Acquire(t.Context(), path, func() { t.Error("waited for a free lock") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := 0
	// The wait itself ends the context, so the second call has surely seen the lock taken.
	if _, err := Acquire(ctx, path, func() { waited++; cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if waited != 1 {
		t.Errorf("told %d times that it waits", waited)
	}
	release()
	if release, err = Acquire(t.Context(), path, func() { t.Error("waited for a free lock") }); err != nil {
		t.Fatal(err)
	}
	release()
}

func TestAcquireNamesTheFile(t *testing.T) {
	t.Parallel()
	_, err := Acquire(t.Context(), filepath.Join(t.TempDir(), "missing", "lock"), func() {})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}
