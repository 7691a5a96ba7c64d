package engine

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// RunError is a failed run of the engine.
type RunError struct {
	// Operation is what the run was to do, such as "bring up".
	Operation string
	// Problems are the errors that the program, the providers and the engine reported, each once.
	Problems []string
	// Done is how many resources were created, changed or deleted before the run failed.
	Done int
}

func (e *RunError) Error() string {
	text := e.Operation + " the stack"
	if len(e.Problems) == 1 {
		if problem := e.Problems[0]; !strings.Contains(problem, "\n") {
			return text + ": " + problem
		}
		return text + ":\n  " + strings.ReplaceAll(e.Problems[0], "\n", "\n  ")
	}
	text = fmt.Sprintf("%s: %d problems", text, len(e.Problems))
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
	printed   []string // errors that were printed but not reported
	done      int
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

// collect takes events until the channel is closed. If the engine ended before it sent any, nobody closes it.
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
	switch {
	case event.DiagnosticEvent != nil:
		r.diagnose(event.DiagnosticEvent)
	case event.ResOutputsEvent != nil && changed(event.ResOutputsEvent):
		r.done++
	case event.SummaryEvent != nil:
		for op, count := range event.SummaryEvent.ResourceChanges {
			r.changes[op] += count
		}
	}
}

// changed reports whether a step has changed something outside the state.
func changed(event *apitype.ResOutputsEvent) bool {
	step := event.Metadata
	state := cmp.Or(step.New, step.Old)
	return !event.Planning && state != nil && state.Custom && !strings.HasPrefix(step.Type, "pulumi:") &&
		!slices.Contains([]apitype.OpType{apitype.OpSame, apitype.OpRead, apitype.OpRefresh}, step.Op)
}

// diagnose records the reasons for an error.
func (r *run) diagnose(d *apitype.DiagnosticEvent) {
	if d.Ephemeral {
		return
	}
	if d.Severity != "error" {
		// Pulumi's SDK reports some errors of a program, such as those of outputs, as output of the program.
		if text, ok := strings.CutPrefix(strings.TrimSpace(colors.Never.Colorize(d.Message)), "waiting for RPCs: "); ok {
			text = strings.TrimPrefix(text, "marshaling properties: ")
			r.printed = reasons(text)
		}
		return
	}
	for _, reason := range reasons(colors.Never.Colorize(d.Message)) {
		if urn := resource.URN(d.URN); d.URN != "" && urn.IsValid() && urn.Type() != stackType {
			reason = urn.Name() + ": " + reason
		}
		if !slices.Contains(r.problems, reason) {
			r.problems = append(r.problems, reason)
		}
	}
}

// stackType is the type of the stack itself. All errors of the program are reported for it.
const stackType = "pulumi:pulumi:Stack"

// wrappings are what Pulumi puts before the error of a program, and before the list of several.
var wrappings = regexp.MustCompile(`^(?:(?:an unhandled error occurred: )?program failed:\s*|error: |\d+ errors? occurred:\s*)`)

// reasons returns the errors within a message, without what Pulumi wraps them in.
func reasons(message string) []string {
	text := strings.TrimSpace(message)
	for {
		unwrapped := strings.TrimSpace(wrappings.ReplaceAllString(text, ""))
		if unwrapped == text {
			break
		}
		text = unwrapped
	}
	var out []string
	for i, part := range strings.Split("\n"+text, "\n\t* ") {
		if i == 0 {
			part = strings.TrimPrefix(strings.TrimPrefix(part, "\n"), "* ")
		}
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// end waits for the last event and turns an error of the run into a RunError.
func (r *run) end(err error) error {
	close(r.returned)
	<-r.finished
	if err == nil {
		return nil
	}
	if len(r.problems) == 0 {
		r.problems = r.printed
	}
	if len(r.problems) == 0 {
		r.problems = []string{brief(err).Error()}
	}
	return &RunError{Operation: r.operation, Problems: r.problems, Done: r.done}
}
