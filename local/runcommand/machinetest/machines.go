// Package machinetest has fake machines for tests: their commands run on this computer, with their files below a folder
// per machine.
package machinetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"webstack/local/machine"
	"webstack/local/machine/proc"
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

// Root returns the folder that is a machine's "/".
func (m *Machines) Root(instanceID string) string { return filepath.Join(m.dir, instanceID) }

// Boots returns how often a machine was booted.
func (m *Machines) Boots(instanceID string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boots[instanceID]
}

// Boot boots a machine that claims to be Ubuntu 24.04.
func (m *Machines) Boot(ctx context.Context, spec machine.Spec) error {
	for _, folder := range []string{"etc", "usr/bin", "var"} {
		if err := os.MkdirAll(filepath.Join(m.Root(spec.InstanceID), folder), 0o755); err != nil {
			return err
		}
	}
	etc := filepath.Join(m.Root(spec.InstanceID), "etc")
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

// Stop ends everything that runs on the machine.
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

// Running reports whether the machine was started and not stopped.
func (m *Machines) Running(_ context.Context, instanceID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running[instanceID]
}

// Ran returns the commands that were run, the oldest first.
func (m *Machines) Ran() []machine.Command {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]machine.Command(nil), m.ran...)
}

// Run runs a command on this computer, with the code that runs commands on machines. Files, the folder and arguments
// that are absolute paths are moved below the machine's root.
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
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-stopped:
			cancel(machine.ErrNotRunning)
		case <-ctx.Done():
		}
	}()
	near, far := net.Pipe()
	go func() {
		defer func() { _ = far.Close() }()
		_ = proc.Answer(far) // the other end gets the error
	}()
	return machine.RunOver(ctx, near, m.moved(instanceID, command))
}

// moved returns a command with its paths below the machine's root.
func (m *Machines) moved(instanceID string, command machine.Command) machine.Command {
	files := map[string][]byte{}
	for path, content := range command.Files {
		files[filepath.Join(m.Root(instanceID), path)] = content
	}
	args := make([]string, len(command.Args))
	for i, arg := range command.Args {
		args[i] = m.inside(instanceID, arg)
	}
	command.Files, command.Args = files, args
	if command.Dir = m.inside(instanceID, command.Dir); command.Dir == "" {
		command.Dir = m.Root(instanceID)
	}
	command.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "ROOT=" + m.Root(instanceID)}, command.Env...)
	return command
}

func (m *Machines) inside(instanceID, path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	return filepath.Join(m.Root(instanceID), path)
}

// Documents do not use the rest.

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
