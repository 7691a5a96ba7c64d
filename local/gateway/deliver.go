package gateway

import (
	"context"
	"time"

	"webstack/local/runcommand"
)

// lookForMachine is how often to check whether a stopped machine is running.
const lookForMachine = 200 * time.Millisecond

// dispatch stores a command and sends it to its machines. done, which may be nil, is called for each invocation that
// has ended.
func (f *fleet) dispatch(c *command, done func(*invocation)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commands[c.ID] = c
	f.history = append(f.history, c)
	if len(f.history) > maxHistory {
		f.forget()
	}
	for _, id := range c.InstanceIDs {
		ctx, cancel := context.WithCancel(f.ctx)
		one := &invocation{command: c, InstanceID: id, results: c.document.Plan(), cancel: cancel}
		c.invocations = append(c.invocations, one)
		f.runs.Add(1)
		go func() {
			defer f.runs.Done()
			defer cancel()
			f.deliver(ctx, one)
			if done != nil {
				done(one)
			}
		}()
	}
}

// forget drops the oldest command that has ended.
func (f *fleet) forget() {
	for i, c := range f.history {
		if status, _ := c.status(); status != "Pending" && status != "InProgress" && status != "Cancelling" {
			f.history = append(f.history[:i:i], f.history[i+1:]...)
			delete(f.commands, c.ID)
			return
		}
	}
}

// deliver waits for the machine and for a worker of its agent, and runs the document.
func (f *fleet) deliver(ctx context.Context, one *invocation) {
	c := one.command
	known := f.agentOf(one.InstanceID)
	workers := known.commands
	if c.association != "" {
		workers = known.associations
	}
	if !f.reached(ctx, one) {
		if ctx.Err() != nil {
			f.end(one, "Cancelled", "Cancelled")
		} else {
			f.end(one, "TimedOut", "DeliveryTimedOut")
		}
		return
	}
	select {
	case workers <- struct{}{}:
		defer func() { <-workers }()
	case <-ctx.Done():
		f.end(one, "Cancelled", "Cancelled")
		return
	}
	f.learnPlatform(ctx, one.InstanceID)
	f.mu.Lock()
	platform, version := known.platform, known.version
	f.mu.Unlock()
	run := runcommand.Run{
		ID: c.ID, InstanceID: one.InstanceID, Region: c.region, PlatformName: platform, PlatformVersion: version,
		Document: c.document, Parameters: c.Parameters,
		Stored: f.stored(c.region, one.InstanceID), Fetch: f.fetch(c.region, one.InstanceID),
		Report: func(index int, result runcommand.Result) {
			f.mu.Lock()
			defer f.mu.Unlock()
			one.results[index] = result
		},
	}
	results, err := run.Execute(ctx, f.machines)
	if err != nil {
		f.refused(one, err)
		return
	}
	status, detail := shown(runcommand.Overall(results))
	f.end(one, status, detail)
}

// reached waits until the machine is running, and reports whether that happens before the command expires.
func (f *fleet) reached(ctx context.Context, one *invocation) bool {
	expires := one.command.requested.Add(one.command.timeout)
	for !f.online(ctx, one.command.region, one.InstanceID) {
		if !f.now().Before(expires) {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(lookForMachine):
		}
	}
	return ctx.Err() == nil
}

func (f *fleet) end(one *invocation, status, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.ended, one.detail = status, detail
}

// refused ends an invocation whose document the agent rejects.
func (f *fleet) refused(one *invocation, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.ended, one.detail, one.trace = "Failed", "Failed", err.Error()
}
