// Package filelock keeps several processes from doing the same thing at once.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// poll is how often a waiting run tries again; the system has no flock that stops with a context.
const poll = 100 * time.Millisecond

// Acquire takes the exclusive lock of the file at path, which it creates if it is missing, and returns a function that
// releases the lock. While another process or call holds it, Acquire waits until ctx is done; it calls waiting,
// if not nil, once if it has to. The kernel releases the lock when its process dies, so there are no stale locks.
func Acquire(ctx context.Context, path string, waiting func()) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	for first := true; ; first = false {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		case first && waiting != nil:
			waiting()
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("wait for lock %s: %w", path, ctx.Err())
		case <-time.After(poll):
		}
	}
}
