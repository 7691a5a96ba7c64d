package workflowtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The outcomes of a step.
const (
	Success = "success"
	Failure = "failure"
	Skipped = "skipped"
)

// Runner is where a job runs.
type Runner struct {
	// Dir is the working directory of the steps.
	Dir string
	// Env is added to the environment of the test, and goes before the workflow's own.
	Env map[string]string
	// Inputs are those of workflow_dispatch.
	Inputs map[string]string
}

// Result is how a job ended.
type Result struct {
	// Outcomes are those of the steps, by name.
	Outcomes map[string]string
	// Log is what the steps printed, Summary what they wrote for the run's page.
	Log, Summary string
}

// Failed reports whether a step failed.
func (r Result) Failed() bool {
	for _, outcome := range r.Outcomes {
		if outcome == Failure {
			return true
		}
	}
	return false
}

// Run runs the shell steps of a job. Steps that use an action succeed without doing anything.
func (w Workflow) Run(t *testing.T, job string, r Runner) Result {
	t.Helper()
	temp := t.TempDir()
	j := &run{
		T: t, workflow: w, runner: r, temp: temp, summary: filepath.Join(temp, "summary"),
		known: map[string]string{}, result: Result{Outcomes: map[string]string{}},
	}
	for name, value := range r.Inputs {
		j.known["inputs."+name] = value
	}
	for _, step := range w.Jobs[job].Steps {
		j.step(step)
	}
	summary, _ := os.ReadFile(j.summary) // there is none if no step has written to it
	j.result.Summary = string(summary)
	return j.result
}

// run is one run of a job.
type run struct {
	*testing.T
	workflow      Workflow
	runner        Runner
	temp, summary string
	known         map[string]string // the values of expressions
	result        Result
}

func (j *run) step(s Step) {
	j.Helper()
	outcome := Success
	switch {
	case !j.wanted(s.If):
		outcome = Skipped
	case s.Run != "" && !j.shell(s):
		outcome = Failure
	}
	j.result.Outcomes[s.Name] = outcome
	if s.ID != "" {
		j.known["steps."+s.ID+".outcome"] = outcome
	}
}

var comparison = regexp.MustCompile(`^([a-z_.]+) == '([^']*)'$`)

// wanted evaluates the condition of a step. It knows always() and a comparison with a text.
func (j *run) wanted(condition string) bool {
	j.Helper()
	if condition == "always()" {
		return true
	}
	if condition != "" {
		parts := comparison.FindStringSubmatch(condition)
		if parts == nil {
			j.Fatalf("evaluate the condition %q: it has another form", condition)
		}
		if j.known[parts[1]] != parts[2] {
			return false
		}
	}
	return !j.result.Failed()
}

var expression = regexp.MustCompile(`\$\{\{ ([a-z_.]+) \}\}`)

// shell runs a step as GitHub does with shell: bash, and reports whether it succeeded.
func (j *run) shell(s Step) bool {
	j.Helper()
	script, output := filepath.Join(j.temp, "script.sh"), filepath.Join(j.temp, "output")
	for path, text := range map[string]string{script: s.Run, output: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			j.Fatal(err)
		}
	}
	command := exec.CommandContext(j.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", script)
	command.Dir, command.Env = j.runner.Dir, os.Environ()
	for _, env := range []map[string]string{j.workflow.Env, j.runner.Env, s.Env} {
		for name, value := range env {
			value = expression.ReplaceAllStringFunc(value, func(found string) string {
				return j.known[expression.FindStringSubmatch(found)[1]]
			})
			command.Env = append(command.Env, name+"="+value)
		}
	}
	command.Env = append(command.Env, "GITHUB_OUTPUT="+output, "GITHUB_STEP_SUMMARY="+j.summary, "RUNNER_TEMP="+j.temp)
	out, err := command.CombinedOutput()
	j.result.Log += string(out)
	j.keep(s.ID, output)
	return err == nil
}

// keep reads the outputs of a step.
func (j *run) keep(id, path string) {
	j.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		j.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		j.known["steps."+id+".outputs."+name] = value
	}
}
