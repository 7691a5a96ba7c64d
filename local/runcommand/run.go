package runcommand

import (
	"context"
	"fmt"
	"slices"
	"time"

	"webstack/local/machine"
)

// Status is how a step, or a whole run, stands.
type Status string

// The statuses of steps and runs. A run is never Skipped.
const (
	Pending    Status = "Pending"
	InProgress Status = "InProgress"
	Success    Status = "Success"
	Failed     Status = "Failed"
	TimedOut   Status = "TimedOut"
	Cancelled  Status = "Cancelled"
	Skipped    Status = "Skipped"
)

// Result is how a step stands.
type Result struct {
	Name, Action string
	Status       Status
	// Code is the exit code: -1 before the step has ended.
	Code int
	// Stdout and Stderr are the beginning of the output of a step that has ended: MaxStdout and MaxStderr characters.
	Stdout, Stderr string
	// Start and End are zero before the step started, and ended.
	Start, End time.Time
}

// Run is a document to run on a machine.
type Run struct {
	// ID is the command's.
	ID string
	// InstanceID and Region say which machine.
	InstanceID, Region string
	Document           Document
	// Parameters are values for those that the document declares.
	Parameters map[string][]string
	// Stored gets the value of a parameter of Parameter Store.
	Stored func(ctx context.Context, name string) (string, error)
	// Fetch gets an object from S3.
	Fetch func(ctx context.Context, bucket, key string) ([]byte, error)
	// Upload gets the whole output of each script; it may be nil.
	Upload func(ctx context.Context, step Step, stdout, stderr []byte)
	// Report gets each change of a step, by its index.
	Report func(index int, result Result)
}

const (
	exitReboot  = 194 // reboot the machine and run the step again
	exitSuccess = 168 // the step succeeded, skip the rest
	exitFailure = 169 // the step failed, skip the rest
	exitKilled  = 137
	// maxRuns is how often a step is run whose machine goes away under it.
	maxRuns = 15
)

// Plan is how the steps of a document stand before any has started.
func (d Document) Plan() []Result {
	results := make([]Result, len(d.MainSteps))
	for i, step := range d.MainSteps {
		results[i] = Result{Name: step.Name, Action: step.Action, Status: Pending, Code: -1}
	}
	return results
}

// Execute runs the document's steps in their order. The end of ctx cancels it.
func (r Run) Execute(ctx context.Context, machines machine.Machines) []Result {
	results := r.Document.Plan()
	report := func(i int) { r.Report(i, results[i]) }
	values, err := r.prepare(ctx)
	for i, step := range r.Document.MainSteps {
		result := &results[i]
		result.Start = time.Now()
		decided := r.Document.decide(ctx, values, step)
		switch {
		case err != nil:
			result.fail(err)
		case ctx.Err() != nil:
			result.Status, result.Code = Cancelled, 1
		case r.Document.skips(i, results):
			result.skip(fmt.Sprintf("Plugin with name %s and id %s skipped due to prior step with an exit condition",
				step.Action, step.Name))
		case decided.status == Skipped:
			result.skip(decided.reason)
		case decided.status == Failed:
			result.fail(fmt.Errorf("%s", decided.reason))
		default:
			result.Status = InProgress
			report(i)
			r.step(ctx, machines, values, step, result)
			step.conclude(result)
		}
		result.Stdout, result.Stderr = prefix(result.Stdout, MaxStdout), prefix(result.Stderr, MaxStderr)
		result.End = time.Now()
		report(i)
	}
	return results
}

// prepare checks what the agent checks once more, and gets the values.
func (r Run) prepare(ctx context.Context) (interpolator, error) {
	if !r.Document.Supported() {
		return interpolator{}, fmt.Errorf("run a document of schema version %q: the laptop cloud has %v",
			r.Document.SchemaVersion, schemas)
	}
	if err := r.Document.Accepts(r.Parameters); err != nil {
		return interpolator{}, err
	}
	return r.Document.interpolator(ctx, r.Parameters, r.Stored)
}

func (r *Result) fail(err error) {
	r.Status, r.Code, r.Stderr = Failed, 1, r.Stderr+err.Error()
}

func (r *Result) skip(reason string) {
	r.Status, r.Code, r.Stdout = Skipped, 0, reason
}

// skips tells whether an earlier step ended the document. A finally step that is the last one runs all the same.
func (d Document) skips(index int, results []Result) bool {
	if d.MainSteps[index].modifier("finallyStep") == "true" && index == len(d.MainSteps)-1 {
		return false
	}
	for i, step := range d.MainSteps[:index] {
		switch result := results[i]; {
		case result.Status == Skipped:
		case result.Code == exitSuccess, result.Code == exitFailure,
			// One that timed out has not failed in this sense.
			result.Status == Failed && step.modifier("onFailure") == "exit",
			result.Status == Success && step.modifier("onSuccess") == "exit":
			return true
		}
	}
	return false
}

// modifier is what an input says that all actions have.
func (s Step) modifier(name string) string {
	switch value := s.Inputs[name].(type) {
	case string, bool:
		return fmt.Sprint(value)
	default:
		return ""
	}
}

// conclude makes the exit codes with a meaning, and onFailure, the result's.
func (s Step) conclude(r *Result) {
	exits := slices.Contains([]string{"exit", "successAndExit"}, s.modifier("onFailure"))
	const rest = " Further document steps will be skipped."
	switch {
	case r.Code == exitSuccess:
		r.Status, r.Stderr = Success, ""
		r.Stdout += "\nStep exited with code 168. Therefore, marking step as succeeded." + rest
	case r.Code == exitFailure:
		const note = "\nStep exited with code 169. Therefore, marking step as Failed." + rest
		r.Stdout, r.Stderr = r.Stdout+note, r.Stderr+note
	case r.Status == Failed && exits:
		const note = "\nStep was found to have onFailure property." + rest
		r.Stdout, r.Stderr = r.Stdout+note, r.Stderr+note
		if s.modifier("onFailure") == "successAndExit" {
			r.Status, r.Code = Success, exitSuccess
		}
	}
}

// Overall is how a run stands by its steps.
func Overall(results []Result) Status {
	counts := map[Status]int{}
	for _, result := range results {
		counts[result.Status]++
	}
	if counts[Pending]+counts[InProgress] > 0 {
		if counts[Pending] == len(results) {
			return Pending
		}
		return InProgress
	}
	for _, status := range []Status{Failed, TimedOut, Cancelled} {
		if counts[status] > 0 {
			return status
		}
	}
	return Success
}
