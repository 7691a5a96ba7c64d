package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Engine runs machines as containers. It implements Machines.
type Engine struct {
	options  Options
	prepared prepared
	front    *front
	home     home

	mu       sync.Mutex
	machines map[string]*host
	closed   bool
}

var _ Machines = (*Engine)(nil)

// Open ensures that machines can run, as Prepare does, removes what an earlier run of this laptop cloud left, and
// returns an Engine without machines. The caller must close it.
func Open(ctx context.Context, options Options) (*Engine, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	if options.Log == nil {
		options.Log = io.Discard
	}
	prepared, err := prepare(ctx, options.Root, options.Step)
	if err != nil {
		return nil, err
	}
	e := &Engine{options: options, prepared: prepared, machines: map[string]*host{}}
	e.front = &front{engine: e}
	if err := e.clean(ctx); err != nil {
		return nil, fmt.Errorf("remove what an earlier laptop cloud left: %w", err)
	}
	return e, nil
}

// Close removes all machines and volumes of this laptop cloud. The Engine cannot boot machines afterwards.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	var all []*host
	for _, h := range e.machines {
		all = append(all, h)
	}
	e.machines = map[string]*host{}
	e.mu.Unlock()
	var problems []error
	for _, h := range all {
		problems = append(problems, h.leave(ctx, false))
	}
	e.front.close()
	return errors.Join(append(problems, e.clean(ctx))...)
}

// Label returns the label of all containers and volumes of the laptop cloud with that id. Whatever has it is removed
// with the machines.
func Label(id string) string { return "webstack.cloud=" + id }

// Name returns the name of a container or volume of the laptop cloud with that id.
func Name(id, suffix string) string { return "webstack-" + id + "-" + suffix }

func (e *Engine) label() string { return Label(e.options.ID) }

func (e *Engine) name(suffix string) string { return Name(e.options.ID, suffix) }

// Remove removes the machines and volumes that a killed laptop cloud with that id left behind. That laptop cloud must
// not be running. Without an engine it does nothing.
func Remove(ctx context.Context, id string) error {
	if _, err := lookUp(ctx); err != nil {
		return ctx.Err()
	}
	return (&Engine{options: Options{ID: id}}).clean(ctx)
}

// clean removes every container and volume of this laptop cloud.
func (e *Engine) clean(ctx context.Context) error {
	containers, err := docker(ctx, "ps", "--all", "--quiet", "--filter", "label="+e.label())
	if err != nil {
		return err
	}
	if ids := lines(containers); len(ids) > 0 {
		if _, err := docker(ctx, append([]string{"rm", "--force", "--volumes"}, ids...)...); err != nil && !gone(err) {
			return err
		}
	}
	volumes, err := docker(ctx, "volume", "ls", "--quiet", "--filter", "label="+e.label())
	if err != nil {
		return err
	}
	if names := lines(volumes); len(names) > 0 {
		if _, err := docker(ctx, append([]string{"volume", "rm", "--force"}, names...)...); err != nil {
			return err
		}
	}
	return nil
}

// host returns a known machine.
func (e *Engine) host(instanceID string) (*host, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.machines[instanceID]
	if h == nil {
		return nil, fmt.Errorf("machine %s: %w", instanceID, ErrUnknown)
	}
	return h, nil
}

// Boot creates and starts a machine.
func (e *Engine) Boot(ctx context.Context, spec Spec) error {
	if err := spec.check(); err != nil {
		return err
	}
	h := newHost(e, spec)
	e.mu.Lock()
	known, closed := e.machines[spec.InstanceID], e.closed
	if known == nil && !closed {
		e.machines[spec.InstanceID] = h
	}
	e.mu.Unlock()
	switch {
	case closed:
		return fmt.Errorf("boot %s: the laptop cloud is stopping", spec.InstanceID)
	case known != nil:
		return fmt.Errorf("boot %s: it already exists", spec.InstanceID)
	}
	err := h.boot(ctx)
	if err == nil {
		return nil
	}
	e.mu.Lock()
	if e.machines[spec.InstanceID] == h {
		delete(e.machines, spec.InstanceID)
	}
	e.mu.Unlock()
	return errors.Join(fmt.Errorf("boot %s: %w", spec.InstanceID, err), h.leave(context.WithoutCancel(ctx), true))
}

// Stop shuts a machine down.
func (e *Engine) Stop(ctx context.Context, instanceID string) error {
	return e.change(ctx, "stop", instanceID, (*host).stop)
}

// Start boots a stopped machine again.
func (e *Engine) Start(ctx context.Context, instanceID string) error {
	return e.change(ctx, "start", instanceID, (*host).start)
}

// Reboot shuts a machine down and boots it again.
func (e *Engine) Reboot(ctx context.Context, instanceID string) error {
	return e.change(ctx, "reboot", instanceID, func(h *host, ctx context.Context) error {
		if err := h.stop(ctx); err != nil {
			return err
		}
		return h.start(ctx)
	})
}

// change does something to a machine while nobody else changes it.
func (e *Engine) change(ctx context.Context, what, instanceID string, do func(*host, context.Context) error) error {
	h, err := e.host(instanceID)
	if err != nil {
		return err
	}
	if err := h.lock(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", what, instanceID, err)
	}
	defer h.unlock()
	if h.removed {
		return fmt.Errorf("machine %s: %w", instanceID, ErrUnknown)
	}
	if err := do(h, ctx); err != nil {
		return fmt.Errorf("%s %s: %w", what, instanceID, err)
	}
	return nil
}

// Terminate removes a machine and its files, but no attached volume.
func (e *Engine) Terminate(ctx context.Context, instanceID string) error {
	h, err := e.host(instanceID)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := h.leave(ctx, true); err != nil {
		return fmt.Errorf("terminate %s: %w", instanceID, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.machines[instanceID] == h {
		delete(e.machines, instanceID)
	}
	return nil
}

// SetMetadata changes how the metadata service answers.
func (e *Engine) SetMetadata(_ context.Context, instanceID string, options MetadataOptions) error {
	h, err := e.host(instanceID)
	if err != nil {
		return err
	}
	h.tell(func(spec *Spec) { spec.Metadata = options })
	return nil
}

// SetRole changes the role whose credentials the metadata service returns.
func (e *Engine) SetRole(_ context.Context, instanceID, roleName string) error {
	h, err := e.host(instanceID)
	if err != nil {
		return err
	}
	h.tell(func(spec *Spec) { spec.RoleName = roleName })
	return nil
}

// Running reports whether a machine is running and can take commands.
func (e *Engine) Running(_ context.Context, instanceID string) bool {
	h, err := e.host(instanceID)
	return err == nil && h.tunnel() != nil
}
