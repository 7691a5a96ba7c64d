package gateway

import (
	"context"
	"slices"
	"time"
)

// managed is what State Manager knows about an association besides its definition.
type managed struct {
	// renewals counts the new versions of its document, requests the calls of StartAssociationsOnce.
	renewals, requests int
	targets            map[string]*managedTarget // by instance
	executions         []*execution              // the oldest first
}

// managedTarget is an association on one machine.
type managedTarget struct {
	// version, renewals and requests are those of the association that the last run covered.
	version            string
	renewals, requests int
	running            bool
	// due is when it runs by its schedule, zero for never.
	due time.Time
	// last is the latest run, nil before there was one. succeeded is when a run last succeeded.
	last      *executionTarget
	succeeded time.Time
}

// maxExecutions is how many runs of an association are remembered.
const maxExecutions = 100

// manage starts to apply a new association.
func (f *fleet) manage(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.managed[id] = &managed{targets: map[string]*managedTarget{}}
	f.wake()
}

// unmanage stops applying an association. A run that has started continues to its end.
func (f *fleet) unmanage(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.managed, id)
}

// documentChanged makes associations run whose version of the document has changed.
func (f *fleet) documentChanged(region, name, version string) {
	associations := f.gateway.state.list(region)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range associations {
		if kept, ok := f.managed[a.AssociationID]; ok && a.Name == name && a.DocumentVersion == version {
			kept.renewals++
		}
	}
	f.wake()
}

// anyDue reports whether an association is due on one of its known targets.
func (f *fleet) anyDue() bool {
	associations := f.gateway.state.list("")
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range associations {
		kept, ok := f.managed[a.AssociationID]
		when, err := parseSchedule(a.ScheduleExpression)
		if !ok || err != nil {
			continue
		}
		for _, on := range kept.targets {
			if !on.running && on.isDue(kept, a, when, f.now()) {
				return true
			}
		}
	}
	return false
}

// keepAssociations runs the associations that are due.
func (f *fleet) keepAssociations(ctx context.Context) {
	byRegion := map[string][]association{}
	for _, a := range f.gateway.state.list("") {
		byRegion[a.region] = append(byRegion[a.region], a)
	}
	for region, associations := range byRegion {
		hosts, err := f.hosts(ctx, region)
		if err != nil {
			if ctx.Err() == nil {
				f.gateway.logf("State Manager: %v\n", err)
			}
			continue
		}
		for _, a := range associations {
			f.keep(ctx, a, hosts)
		}
	}
}

// keep runs one association on those of its machines where it is due.
func (f *fleet) keep(ctx context.Context, a association, hosts []host) {
	when, err := parseSchedule(a.ScheduleExpression)
	if err != nil {
		f.gateway.logf("State Manager: association %s: %v\n", a.AssociationID, err) // it was checked
		return
	}
	// A version of the document that is created after this makes the association run again.
	candidates, renewals := f.dueOn(a, when, hosts)
	var due []string
	for _, id := range candidates {
		if f.online(ctx, a.region, id) {
			due = append(due, id)
		}
	}
	if len(due) == 0 {
		return
	}
	found, err := f.gateway.documentOf(internal(ctx, a.region), a.Name, a.DocumentVersion)
	if err != nil { // the next beat tries again
		if ctx.Err() == nil {
			f.gateway.logf("State Manager: association %s: %v\n", a.AssociationID, err)
		}
		return
	}
	f.execute(a, renewals, when, due, found)
}

// dueOn returns the machines where an association is due, and how often its document has been renewed. Machines that
// are no longer targets are forgotten.
func (f *fleet) dueOn(a association, when schedule, hosts []host) (due []string, renewals int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept, ok := f.managed[a.AssociationID]
	if !ok { // deleted meanwhile
		return nil, 0
	}
	matching := map[string]bool{}
	for _, h := range hosts {
		if !h.matches(a.Targets) {
			continue
		}
		matching[h.ID] = true
		on, ok := kept.targets[h.ID]
		if !ok {
			on = &managedTarget{requests: kept.requests}
			kept.targets[h.ID] = on
		}
		if on.isDue(kept, a, when, f.now()) && !on.running {
			due = append(due, h.ID)
		}
	}
	for id, on := range kept.targets {
		if !matching[id] && !on.running {
			delete(kept.targets, id)
		}
	}
	slices.Sort(due)
	return due, kept.renewals
}

// isDue reports whether the association must run, and records a change that does not make it run.
func (t *managedTarget) isDue(kept *managed, a association, when schedule, now time.Time) bool {
	if t.requests != kept.requests {
		return true
	}
	if t.version != a.AssociationVersion || t.renewals != kept.renewals {
		if !a.ApplyOnlyAtCronInterval {
			return true
		}
		t.version, t.renewals, t.due = a.AssociationVersion, kept.renewals, when.next(now)
	}
	return !t.due.IsZero() && !now.Before(t.due)
}

// execute runs an association on some machines.
func (f *fleet) execute(a association, renewals int, when schedule, instances []string, found foundDocument) {
	run := newExecution(a, f.now(), instances)
	if found.problem == nil {
		found.problem = found.acceptsCommand(a.Parameters)
	}
	if found.problem != nil {
		f.record(a, renewals, run)
		for _, id := range instances {
			f.finish(a, when, run, id, "Failed", found.problem.code, "InvalidAssoc", found.problem.message)
		}
		return
	}
	c := &command{
		ID: newUUID(), DocumentName: a.Name, DocumentVersion: a.DocumentVersion, InstanceIDs: instances,
		Parameters: a.Parameters,
		region:     a.region, document: found.Document, requested: run.created, timeout: defaultDelivery * time.Second,
		association: a.AssociationID,
	}
	run.command = c.ID
	f.record(a, renewals, run)
	f.dispatch(c, func(one *invocation) {
		status, detail := one.status()
		code := ""
		if status != "Success" {
			status, code = "Failed", "ExecutionError"
		}
		f.finish(a, when, run, one.InstanceID, status, detail, code, summary(one.results))
		f.wake()
	})
}
