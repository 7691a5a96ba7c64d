package gateway

import (
	"fmt"
	"time"

	"webstack/local/runcommand"
)

// execution is one run of an association.
type execution struct {
	id, version string
	created     time.Time
	command     string // its id, "" when none could be sent
	targets     map[string]*executionTarget
}

// executionTarget is a run of an association on one machine.
type executionTarget struct {
	status, detail     string // Pending before it has ended
	errorCode, summary string
	date               time.Time
	command            string
	execution          string
	version            string
}

func newExecution(a association, now time.Time, instances []string) *execution {
	run := &execution{id: newUUID(), version: a.AssociationVersion, created: now, targets: map[string]*executionTarget{}}
	for _, id := range instances {
		run.targets[id] = &executionTarget{
			status: "Pending", detail: "InProgress", date: now, execution: run.id, version: run.version,
		}
	}
	return run
}

// record stores a run that begins, and the changes that it covers.
func (f *fleet) record(a association, renewals int, run *execution) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept, ok := f.managed[a.AssociationID]
	if !ok {
		return
	}
	kept.executions = append(kept.executions, run)
	if len(kept.executions) > maxExecutions {
		kept.executions = kept.executions[1:]
	}
	for id, on := range run.targets {
		on.command = run.command
		if target, ok := kept.targets[id]; ok {
			target.last, target.running = on, true
			target.version, target.renewals, target.requests = run.version, renewals, kept.requests
		}
	}
}

// finish stores how a run ended on a machine, and when the next one is due.
func (f *fleet) finish(a association, when schedule, run *execution, instanceID, status, detail, code, summary string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	on := run.targets[instanceID]
	on.status, on.detail, on.errorCode, on.summary, on.date = status, detail, code, summary, f.now()
	kept, ok := f.managed[a.AssociationID]
	if !ok {
		return
	}
	target, ok := kept.targets[instanceID]
	if !ok {
		return
	}
	target.running, target.due = false, when.next(run.created)
	if status == "Success" {
		target.succeeded = on.date
	}
}

// status returns the status of a run on all its machines together, and the number of machines by status.
func (e *execution) status() (status, detail string, counts map[string]int) {
	counts = map[string]int{}
	details := map[string]bool{}
	for _, on := range e.targets {
		counts[on.status]++
		details[on.detail] = true
	}
	status = together(counts)
	detail = status
	if len(details) == 1 {
		for only := range details {
			detail = only
		}
	}
	return status, detail, counts
}

// together combines many statuses into one.
func together(counts map[string]int) string {
	switch {
	case counts["Pending"] > 0:
		return "Pending"
	case counts["Failed"] > 0:
		return "Failed"
	default:
		return "Success"
	}
}

// maxSummary is how much of a run's summary is kept, in characters.
const maxSummary = 512

// summary says how many of a run's steps ended in which way, and why steps failed.
func summary(results []runcommand.Result) string {
	counts := map[runcommand.Status]int{}
	failures := ""
	for _, result := range results {
		counts[result.Status]++
		if result.Status == runcommand.Failed {
			failures += fmt.Sprintf("\nThe operation %s failed because %s.", result.Name, tail(result.Stderr, maxSummary/2))
		}
	}
	plural := "s"
	if len(results) == 1 {
		plural = ""
	}
	text := fmt.Sprintf("%d out of %d plugin%s processed, %d success, %d failed, %d timedout, %d skipped. %s",
		len(results)-counts[runcommand.Pending], len(results), plural, counts[runcommand.Success],
		counts[runcommand.Failed], counts[runcommand.TimedOut], counts[runcommand.Skipped], failures)
	if runes := []rune(text); len(runes) > maxSummary {
		text = string(runes[:maxSummary])
	}
	return text
}

// tail returns the end of a text.
func tail(text string, characters int) string {
	runes := []rune(text)
	return string(runes[max(0, len(runes)-characters):])
}

// shown returns an association with its status.
func (f *fleet) shown(a association) association {
	f.mu.Lock()
	defer f.mu.Unlock()
	a.Overview, a.LastExecutionDate, a.LastSuccessfulExecutionDate = pending, 0, 0
	kept, ok := f.managed[a.AssociationID]
	if !ok || len(kept.targets) == 0 {
		return a
	}
	counts := map[string]int{}
	for _, on := range kept.targets {
		counts[on.status(kept, a)]++
		if on.last != nil {
			a.LastExecutionDate = max(a.LastExecutionDate, unix(on.last.date))
		}
		if !on.succeeded.IsZero() {
			a.LastSuccessfulExecutionDate = max(a.LastSuccessfulExecutionDate, unix(on.succeeded))
		}
	}
	status := together(counts)
	a.Overview = overview{Status: status, DetailedStatus: status, AssociationStatusAggregatedCount: counts}
	return a
}

// status returns the status of an association on a machine: pending if a change of it has not run yet.
func (t *managedTarget) status(kept *managed, a association) string {
	changed := t.version != a.AssociationVersion || t.renewals != kept.renewals
	if t.last == nil || t.requests != kept.requests || changed && !a.ApplyOnlyAtCronInterval {
		return "Pending"
	}
	return t.last.status
}
