// Package machinetest has machines for tests that are no machines: what is run on one runs on this computer, with the
// files below a folder of the machine's own.
package machinetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"webstack/local/machine"
)

// Machines are machines.Machines for tests. Use New.
type Machines struct {
	dir string

	mu      sync.Mutex
	running map[string]bool // by instance, of those that were booted
	boots   map[string]int
	stopped map[string]chan struct{} // closed when the machine stops
	ran     []machine.Command
}

var _ machine.Machines = (*Machines)(nil)

// New makes machines whose files are below dir.
func New(dir string) *Machines {
	return &Machines{
		dir: dir, running: map[string]bool{}, boots: map[string]int{}, stopped: map[string]chan struct{}{},
	}
}

// Root is the folder that is a machine's "/".
func (m *Machines) Root(instanceID string) string { return filepath.Join(m.dir, instanceID) }

// Boots is how often a machine was booted.
func (m *Machines) Boots(instanceID string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boots[instanceID]
}

// Boot boots a machine that says it is Ubuntu 24.04.
func (m *Machines) Boot(ctx context.Context, spec machine.Spec) error {
	etc := filepath.Join(m.Root(spec.InstanceID), "etc")
	if err := os.MkdirAll(etc, 0o755); err != nil {
		return err
	}
	release := []byte("NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\n")
	if err := os.WriteFile(filepath.Join(etc, "os-release"), release, 0o644); err != nil {
		return err
	}
	return m.Start(ctx, spec.InstanceID)
}

// Start makes the machine run.
func (m *Machines) Start(_ context.Context, instanceID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.running[instanceID] {
		m.running[instanceID], m.stopped[instanceID] = true, make(chan struct{})
		m.boots[instanceID]++
	}
	return nil
}

// Stop ends what runs on the machine.
func (m *Machines) Stop(_ context.Context, instanceID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running[instanceID] {
		m.running[instanceID] = false
		close(m.stopped[instanceID])
	}
	return nil
}

// Reboot stops and starts.
func (m *Machines) Reboot(ctx context.Context, instanceID string) error {
	if err := m.Stop(ctx, instanceID); err != nil {
		return err
	}
	return m.Start(ctx, instanceID)
}

// Terminate forgets the machine.
func (m *Machines) Terminate(ctx context.Context, instanceID string) error {
	if err := m.Stop(ctx, instanceID); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, instanceID)
	return os.RemoveAll(m.Root(instanceID))
}

// Running tells whether the machine was started and not stopped.
func (m *Machines) Running(_ context.Context, instanceID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running[instanceID]
}

// Ran are the commands that were run, the oldest first.
func (m *Machines) Ran() []machine.Command {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]machine.Command(nil), m.ran...)
}

// Run runs a command on this computer. Arguments and the folder that are absolute paths are below the machine's root.
func (m *Machines) Run(ctx context.Context, instanceID string, command machine.Command) (machine.Exit, error) {
	m.mu.Lock()
	running, known := m.running[instanceID]
	stopped := m.stopped[instanceID]
	m.ran = append(m.ran, command)
	m.mu.Unlock()
	switch {
	case !known:
		return machine.Exit{}, machine.ErrUnknown
	case !running:
		return machine.Exit{}, machine.ErrNotRunning
	}
	for path, content := range command.Files {
		path = filepath.Join(m.Root(instanceID), path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return machine.Exit{}, err
		}
		if err := writeProgram(path, content); err != nil {
			return machine.Exit{}, err
		}
	}
	args := make([]string, len(command.Args))
	for i, arg := range command.Args {
		args[i] = m.inside(instanceID, arg)
	}
	process := exec.Command(args[0], args[1:]...)
	process.Dir = m.inside(instanceID, command.Dir)
	if process.Dir == "" {
		process.Dir = m.Root(instanceID)
	}
	process.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "ROOT=" + m.Root(instanceID)}, command.Env...)
	process.Stdin, process.Stdout, process.Stderr = command.Stdin, command.Stdout, command.Stderr
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return wait(ctx, process, command.Timeout, stopped)
}

// writeProgram writes a program so that no other process that starts meanwhile holds it open for writing, in which case
// it could not be run.
func writeProgram(path string, content []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, content, 0o700)
}

func (m *Machines) inside(instanceID, path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	return filepath.Join(m.Root(instanceID), path)
}

// wait runs a command until it ends, its time is over, its caller goes or its machine stops.
func wait(ctx context.Context, command *exec.Cmd, timeout time.Duration, stopped <-chan struct{}) (machine.Exit, error) {
	if err := command.Start(); err != nil {
		return machine.Exit{}, err
	}
	kill := func() { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) } // it may have ended by itself
	var over <-chan time.Time
	if timeout > 0 {
		over = time.After(timeout)
	}
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed = command.Wait()
	}()
	exit, err := machine.Exit{}, error(nil)
	select {
	case <-done:
		return exitOf(command, failed)
	case <-over:
		exit = machine.Exit{Code: 137, TimedOut: true}
	case <-ctx.Done():
		err = ctx.Err()
	case <-stopped:
		err = machine.ErrNotRunning
	}
	kill()
	<-done
	return exit, err
}

func exitOf(command *exec.Cmd, err error) (machine.Exit, error) {
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return machine.Exit{}, err
	}
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return machine.Exit{Code: 128 + int(status.Signal())}, nil
	}
	return machine.Exit{Code: command.ProcessState.ExitCode()}, nil
}

// The rest is not what documents use.

// SetMetadata does nothing.
func (m *Machines) SetMetadata(context.Context, string, machine.MetadataOptions) error { return nil }

// SetRole does nothing.
func (m *Machines) SetRole(context.Context, string, string) error { return nil }

// Expose does nothing.
func (m *Machines) Expose(context.Context, string, string) error { return nil }

// Attach does nothing.
func (m *Machines) Attach(context.Context, string, string, int) error { return nil }

// Detach does nothing.
func (m *Machines) Detach(context.Context, string, string) error { return nil }

// DeleteVolume does nothing.
func (m *Machines) DeleteVolume(context.Context, string) error { return nil }

// Open fails: there are no terminals here.
func (m *Machines) Open(context.Context, string, machine.Command, int, int) (machine.Terminal, error) {
	return nil, fmt.Errorf("open a terminal: %w", errors.ErrUnsupported)
}
