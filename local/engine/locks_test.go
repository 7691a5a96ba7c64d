package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webstack/internal/atomicfile"
)

// program starts a copy of sleep with a unique name and returns it.
func program(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func lockFile(t *testing.T, state, stack string, lock holder) string {
	t.Helper()
	path := filepath.Join(state, ".pulumi", "locks", "organization", "shop", stack, fmt.Sprintf("%d.json", lock.PID))
	data, err := json.Marshal(lock)
	if err == nil {
		err = atomicfile.Write(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestOnlyLocksOfTheDeadAreRemoved(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	ended := program(t, "pulumi")
	_ = ended.Process.Kill()
	_ = ended.Wait()
	unwaited := program(t, "pulumi")
	_ = unwaited.Process.Kill()
	tests := map[string]struct {
		lock  holder
		stack string
		kept  bool
	}{
		"of a process that ended":        {lock: holder{PID: ended.Process.Pid, Hostname: host}},
		"of a process nobody waited for": {lock: holder{PID: unwaited.Process.Pid, Hostname: host}},
		"of an id that was used again":   {lock: holder{PID: program(t, "editor").Process.Pid, Hostname: host}},
		"of a running Pulumi":            {lock: holder{PID: program(t, "pulumi").Process.Pid, Hostname: host}, kept: true},
		"of another machine":             {lock: holder{PID: ended.Process.Pid, Hostname: "elsewhere"}, kept: true},
		"of another stack":               {lock: holder{PID: ended.Process.Pid, Hostname: host}, stack: "dev", kept: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			stack := test.stack
			if stack == "" {
				stack = "local"
			}
			path := lockFile(t, state, stack, test.lock)
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if _, err := clearDeadLocks(state, "local"); err != nil {
					t.Fatal(err)
				}
				if exists(path) == test.kept {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("lock kept: %v, want %v", exists(path), test.kept)
				}
			}
		})
	}
}

func TestALiveLockIsWaitedForAndItsHolderNamed(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	state, running := t.TempDir(), program(t, "pulumi")
	lockFile(t, state, "local", holder{PID: running.Process.Pid, Username: "ann", Hostname: host})
	var told []string
	ctx, cancel := context.WithCancel(t.Context())
	say := func(format string, args ...any) {
		told = append(told, fmt.Sprintf(format, args...))
		cancel()
	}
	if err := waitForLocks(ctx, state, "local", say); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancelled wait", err)
	}
	want := fmt.Sprintf("the Pulumi run of ann on %s (process %d", host, running.Process.Pid)
	if len(told) != 1 || !strings.Contains(told[0], want) {
		t.Errorf("told %q, want %q", told, want)
	}
	stop := func(string, ...any) { _ = running.Process.Kill() }
	if err := waitForLocks(t.Context(), state, "local", stop); err != nil {
		t.Errorf("after the holder's end: %v", err)
	}
}
