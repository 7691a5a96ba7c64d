package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// holderPoll is how often a lock of a running Pulumi is checked again.
const holderPoll = 300 * time.Millisecond

// holder is who has locked the stack: the content of one of Pulumi's lock files.
type holder struct {
	PID       int       `json:"pid"`
	Username  string    `json:"username"`
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
}

// waitForLocks removes the locks of dead processes, and waits for those of live ones. If it has to wait, it says once
// for whom.
func waitForLocks(ctx context.Context, state, stack string, say func(format string, args ...any)) error {
	told := false
	for {
		live, err := clearDeadLocks(state, stack)
		if err != nil || live == nil {
			return err
		}
		if !told {
			say("Waiting for the Pulumi run of %s on %s (process %d, since %s). To stop it: kill -INT %d",
				live.Username, live.Hostname, live.PID, live.Timestamp.Local().Format(time.TimeOnly), live.PID)
			told = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for process %d, which holds the lock of the stack: %w", live.PID, ctx.Err())
		case <-time.After(holderPoll):
		}
	}
}

// clearDeadLocks removes lock files whose holder is dead and returns a holder that is not, or nil.
func clearDeadLocks(state, stack string) (*holder, error) {
	var live *holder
	root := filepath.Join(state, ".pulumi", "locks")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // released meanwhile, or nothing was ever locked
		}
		if err != nil {
			return err
		}
		if entry.IsDir() || filepath.Ext(path) != ".json" || filepath.Base(filepath.Dir(path)) != stack {
			return nil
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var lock holder
		if err := json.Unmarshal(data, &lock); err != nil {
			return fmt.Errorf("read lock %s (if Pulumi is not running, remove it): %w", path, err)
		}
		if !lock.dead() {
			live = &lock
			return nil
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for locks of the stack: %w", err)
	}
	return live, nil
}

// dead reports whether the holder is known to have ended. For a holder on another computer that is never known.
func (h holder) dead() bool {
	if hostname, err := os.Hostname(); err != nil || hostname != h.Hostname {
		return false
	}
	if errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH) {
		return true
	}
	// Process ids are reused: the process with this one may be another program, or one that has ended.
	out, err := exec.Command("ps", "-o", "stat=,comm=", "-p", strconv.Itoa(h.PID)).Output()
	if err != nil {
		return false
	}
	fields := strings.Fields(string(out))
	return len(fields) >= 2 && (strings.HasPrefix(fields[0], "Z") || !strings.Contains(fields[1], "pulumi"))
}
