package runcommand

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"webstack/local/machine"
)

// Status is the status of a step or a whole run.
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

// Result is the state of a step.
type Result struct {
	Name, Action string
	Status       Status
	// Code is the exit code: -1 before the step has ended.
	Code int
	// Stdout and Stderr are the beginning of the output of a step that has ended: fewer than MaxOutput bytes, and what the
	// agent adds.
	Stdout, Stderr string
	// Output is both together, cut to MaxCombined bytes; or the reason why a step did not run, which is only here.
	Output string
	// Start and End are zero before the step started, and ended.
	Start, End time.Time
}

// Run is a document to run on a machine.
type Run struct {
	// ID is the command's.
	ID string
	// InstanceID and Region identify the machine.
	InstanceID, Region string
	// PlatformName and PlatformVersion are the machine's system, such as "Ubuntu" and "24.04".
	PlatformName, PlatformVersion string
	Document                      Document
	// Parameters are the values of parameters that the document declares.
	Parameters map[string][]string
	// Stored gets the value of a parameter of Parameter Store.
	Stored func(ctx context.Context, name string) (string, error)
	// Fetch gets an object from S3.
	Fetch func(ctx context.Context, bucket, key string) ([]byte, error)
	// Report receives each change of a step, by its index.
	Report func(index int, result Result)
}

const (
	exitReboot  = 194 // reboot the machine and run the step again
	exitSuccess = 168 // the step succeeded, skip the rest
	exitFailure = 169 // the step failed, skip the rest
	exitKilled  = 137
	// maxRuns is how often a step is run if its machine goes away while it runs.
	maxRuns = 15
)

// Plan returns the state of a document's steps before any has started.
func (d Document) Plan() []Result {
	results := make([]Result, len(d.MainSteps))
	for i, step := range d.MainSteps {
		results[i] = Result{Name: step.Name, Action: step.Action, Status: Pending, Code: -1}
	}
	return results
}

// Execute runs the document's steps in order. The end of ctx cancels it. An error is the reason why the agent rejects
// the document as a whole: then no step has started, and the run has failed.
func (r Run) Execute(ctx context.Context, machines machine.Machines) ([]Result, error) {
	results := r.Document.Plan()
	if err := r.Document.refused(r.Parameters); err != nil {
		return results, err
	}
	values, err := r.Document.interpolator(ctx, r.Parameters, r.Stored)
	steps := slices.Clone(r.Document.MainSteps)
	for i := range steps {
		result := &results[i]
		result.Start = time.Now()
		problem := err
		if problem == nil {
			steps[i].Inputs, problem = values.inputs(ctx, steps[i])
		}
		r.perform(ctx, machines, values, steps[:i+1], results, problem)
		result.Stdout, result.Stderr = readable(result.Stdout), readable(result.Stderr)
		result.Output = readable(result.Output)
		result.End = time.Now()
		r.Report(i, *result)
	}
	return results, nil
}

// perform runs the last of the steps, unless there is a reason not to. The inputs of all are interpolated.
func (r Run) perform(ctx context.Context, machines machine.Machines, values interpolator, steps []Step,
	results []Result, problem error,
) {
	i := len(steps) - 1
	step, result := steps[i], &results[i]
	decided := r.Document.decide(ctx, values, step)
	switch {
	case problem != nil:
		result.fail(problem)
	case ctx.Err() != nil:
		result.Status, result.Code = Cancelled, 1
	case skips(steps, results, i == len(results)-1):
		result.Status, result.Code = Skipped, 0
		result.Output = fmt.Sprintf("Plugin with name %s and id %s skipped due to prior step with an exit condition",
			step.Action, step.Name)
	case decided.status != "":
		result.reject(decided)
	default:
		result.Status = InProgress
		r.Report(i, *result)
		r.step(ctx, machines, values, step, result)
		result.Stdout, result.Stderr = cut(result.Stdout), cut(result.Stderr)
		step.conclude(result)
	}
	if result.Output == "" {
		result.Output = combined(result.Stdout, result.Stderr)
	}
}

// refused returns the reason why the agent rejects a document.
func (d Document) refused(given map[string][]string) error {
	if !d.Supported() {
		return fmt.Errorf("run a document of schema version %q: the laptop cloud supports %v", d.SchemaVersion, schemas)
	}
	if len(d.MainSteps) == 0 {
		return errors.New("Unsupported schema format") //nolint:staticcheck // the agent's own words
	}
	return d.misfits(given)
}

func (r *Result) fail(err error) {
	r.Status, r.Code, r.Stderr = Failed, 1, r.Stderr+err.Error()
}

// reject ends a step that does not run.
func (r *Result) reject(d decision) {
	r.Status, r.Output = d.status, d.reason
	r.Code = 0
	if d.status == Failed {
		r.Code = 1
	}
}

// skips reports whether an earlier step ended the document for the last of steps. A finally step at the end of the
// document runs anyway.
func skips(steps []Step, results []Result, last bool) bool {
	if last && steps[len(steps)-1].modifier("finallyStep") == "true" {
		return false
	}
	for i, step := range steps[:len(steps)-1] {
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

// modifier returns the value of an input that all actions share.
func (s Step) modifier(name string) string {
	switch value := s.Inputs[name].(type) {
	case string, bool:
		return fmt.Sprint(value)
	default:
		return ""
	}
}

// conclude applies special exit codes and onFailure to the result. The agent's notes about them are not part of the
// output in lists.
func (s Step) conclude(r *Result) {
	if r.Code == exitSuccess {
		r.Stderr = ""
	}
	if r.Output == "" {
		r.Output = combined(r.Stdout, r.Stderr)
	}
	exits := slices.Contains([]string{"exit", "successAndExit"}, s.modifier("onFailure"))
	const rest = " Further document steps will be skipped."
	switch {
	case r.Code == exitSuccess:
		r.Status = Success
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

// Overall returns the status of a run from those of its steps.
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
