package cloud

import (
	"context"
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

	"webstack/internal/laptop"
	"webstack/local/workdir"
)

const (
	startPatience = 10 * time.Minute // the AWS emulator may have to be installed first
	startPoll     = 50 * time.Millisecond
	logTail       = 20 // lines of the log that an error shows
)

// Start runs program with args, which must call Serve, as a process of its own that outlives this one, and returns when
// the laptop cloud answers. If it ends instead, the error shows the end of its log.
func Start(ctx context.Context, dir workdir.Dir, program string, args ...string) (Info, error) {
	if err := makeRun(dir); err != nil {
		return Info{}, err
	}
	log, err := os.Create(dir.CloudLog())
	if err != nil {
		return Info{}, fmt.Errorf("open the log of the laptop cloud: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(program, args...)
	cmd.Dir = string(dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return Info{}, fmt.Errorf("start the laptop cloud: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		select {
		case err := <-ended:
			return Info{}, fmt.Errorf("start the laptop cloud: %w", errors.Join(err, errors.New(tail(dir.CloudLog()))))
		case <-ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM)
			return Info{}, fmt.Errorf("start the laptop cloud: %w; its log is %s", ctx.Err(), dir.CloudLog())
		case <-time.After(startPoll):
		}
		info, err := Find(ctx, dir)
		if err == nil && info.PID == cmd.Process.Pid {
			return info, nil
		}
		if err != nil && !errors.Is(err, laptop.ErrNotRunning) && ctx.Err() == nil {
			return Info{}, err
		}
	}
}

func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-logTail):], "\n")
}

// alive reports whether a process is running. One that has ended but has not been waited for by its parent is not.
func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, fs.ErrNotExist) {
		_, missing := os.Stat("/proc/self")
		return missing != nil // systems without /proc
	}
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
