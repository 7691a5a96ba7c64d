package engine

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// RunError is a run of the engine that failed.
type RunError struct {
	// Operation is what was tried, such as "bring up".
	Operation string
	// Problems are what the engine reported, one per resource or cause; empty when they were shown already.
	Problems []string
}

func (e *RunError) Error() string {
	text := e.Operation + " the stack: the run failed"
	for _, problem := range e.Problems {
		text += "\n  - " + strings.ReplaceAll(problem, "\n", "\n    ")
	}
	return text
}

// run collects the events of one run of the engine.
type run struct {
	operation string
	events    chan events.EngineEvent
	returned  chan struct{}
	finished  chan struct{}
	problems  []string
	shown     bool // the problems were printed with the rest of the output
	changes   map[apitype.OpType]int
}

func (s *Stack) begin(operation string) *run {
	r := &run{
		operation: operation, events: make(chan events.EngineEvent),
		returned: make(chan struct{}), finished: make(chan struct{}), changes: map[apitype.OpType]int{},
	}
	go r.collect(s.options.Watch)
	return r
}

// collect takes events until the channel is closed. When the engine ended before it sent any, nobody closes it.
func (r *run) collect(watch func(events.EngineEvent)) {
	defer close(r.finished)
	for {
		select {
		case event, open := <-r.events:
			if !open {
				return
			}
			r.take(event)
			if watch != nil {
				watch(event)
			}
		case <-r.returned:
			return
		}
	}
}

func (r *run) take(event events.EngineEvent) {
	if d := event.DiagnosticEvent; d != nil && d.Severity == "error" && !d.Ephemeral {
		message := strings.TrimSpace(colors.Never.Colorize(d.Message))
		if d.URN != "" && resource.URN(d.URN).IsValid() {
			message = fmt.Sprintf("%s: %s", resource.URN(d.URN).Name(), message)
		}
		r.problems = append(r.problems, message)
	}
	if event.SummaryEvent != nil {
		for op, count := range event.SummaryEvent.ResourceChanges {
			r.changes[op] += count
		}
	}
}

// end waits for the last event and turns the error of the run, where there is one, into a RunError.
func (r *run) end(err error) error {
	close(r.returned)
	<-r.finished
	if err == nil {
		return nil
	}
	switch {
	case len(r.problems) == 0:
		r.problems = []string{brief(err).Error()}
	case r.shown:
		r.problems = nil
	}
	return &RunError{Operation: r.operation, Problems: r.problems}
}
