package runcommand

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"webstack/local/machine"
)

// foreignActions are those of other platforms, which the agent skips on Linux.
var foreignActions = []string{"aws:applications", "aws:cloudWatch", "aws:psModule"}

const (
	runShellScript  = "aws:runShellScript"
	downloadContent = "aws:downloadContent"

	minTimeout     = 5 * time.Second
	maxTimeout     = 172800 * time.Second
	defaultTimeout = 3600 * time.Second

	// lookAgain is how often a machine that went away is looked for.
	lookAgain = 200 * time.Millisecond
)

// step runs one step.
func (r Run) step(ctx context.Context, machines machine.Machines, i interpolator, step Step, result *Result) {
	if step.Action != runShellScript {
		i.pointing = nil
	}
	replaced, err := i.inputs(ctx, step)
	if err != nil {
		result.fail(err)
		return
	}
	switch step.Action {
	case runShellScript:
		r.script(ctx, machines, i, step, replaced, result)
	case downloadContent:
		if err := r.download(ctx, machines, replaced, result); err != nil {
			result.fail(err)
		}
	default:
		result.fail(fmt.Errorf("the laptop cloud does not have the action %s of step %s: it has %s and %s from S3",
			step.Action, step.Name, runShellScript, downloadContent))
	}
}

// inputs interpolates. Only in a script can a parameter be the name of its variable.
func (i interpolator) inputs(ctx context.Context, step Step) (map[string]any, error) {
	pasting := i
	pasting.pointing = nil
	out := make(map[string]any, len(step.Inputs))
	for name, input := range step.Inputs {
		using := pasting
		if name == "runCommand" {
			using = i
		}
		replaced, err := using.replace(ctx, input)
		if err != nil {
			return nil, err
		}
		out[name] = replaced
	}
	return out, nil
}

// script runs a script, and again when its machine is rebooted by it or under it.
func (r Run) script(ctx context.Context, machines machine.Machines, i interpolator, step Step, inputs map[string]any,
	result *Result,
) {
	script := path.Join("/var/lib/amazon/ssm", r.InstanceID, "document/orchestration", r.ID, step.folder(), "_script.sh")
	timeout := timeoutOf(inputs["timeoutSeconds"])
	command := machine.Command{
		Args:    []string{"sh", "-c", script},
		Files:   map[string][]byte{script: []byte(strings.Join(lines(inputs["runCommand"]), "\n") + "\n")},
		Dir:     textOf(inputs["workingDirectory"]),
		Timeout: timeout,
		Env: append([]string{
			"SSM_COMMAND_ID=" + r.ID, "AWS_SSM_INSTANCE_ID=" + r.InstanceID, "AWS_SSM_REGION_NAME=" + r.Region,
		}, i.variables...),
	}
	var stdout, stderr output
	for runs := 1; ; runs++ {
		stdout, stderr = output{}, output{}
		command.Stdout, command.Stderr = &stdout, &stderr
		exit, err := machines.Run(ctx, r.InstanceID, command)
		again := err == nil && exit.Code == exitReboot && !exit.TimedOut
		if again {
			err = machines.Reboot(ctx, r.InstanceID)
		} else if err != nil && ctx.Err() == nil {
			again = errors.Is(err, machine.ErrNotRunning) || !machines.Running(ctx, r.InstanceID)
		}
		if again && runs == maxRuns {
			err = fmt.Errorf("the step was run %d times, and its machine rebooted each time", runs)
			again = false
		}
		if again {
			if present(ctx, machines, r.InstanceID, timeout) {
				continue
			}
			exit, err = machine.Exit{Code: exitKilled, TimedOut: true}, nil
		}
		result.Stdout, result.Stderr = string(stdout.bytes()), string(stderr.bytes())
		result.conclude(ctx, exit, err)
		break
	}
	if r.Upload != nil {
		r.Upload(context.WithoutCancel(ctx), step, stdout.bytes(), []byte(result.Stderr))
	}
}

// conclude makes how the script ended the result.
func (r *Result) conclude(ctx context.Context, exit machine.Exit, err error) {
	r.Code = exit.Code
	switch {
	case ctx.Err() != nil:
		r.Status, r.Code = Cancelled, exitKilled
	case err != nil:
		r.fail(fmt.Errorf("failed to run commands: %w", err))
	case exit.TimedOut, exit.Code == exitKilled: // the agent does not tell who killed it
		r.Status, r.Code = TimedOut, exitKilled
	case exit.Code == 0 || exit.Code == exitSuccess:
		r.Status = Success
	default:
		r.Status = Failed
		r.Stderr += fmt.Sprintf("failed to run commands: exit status %d", exit.Code)
	}
}

// present waits for a machine to be there, and tells whether it is.
func present(ctx context.Context, machines machine.Machines, instanceID string, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !machines.Running(ctx, instanceID) {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(lookAgain):
		}
	}
	return true
}

// folder is where a step's files are, below the folder of the run. The step of AWS's own documents is named like its
// action, and its files lie elsewhere.
func (s Step) folder() string {
	if s.Name == s.Action {
		plain := strings.ReplaceAll(s.Name, ":", "")
		return plain + "/0." + plain
	}
	return s.Name
}

// OutputKey is where the output of a step goes, below the prefix of the run.
func (s Step) OutputKey(file string) string {
	if s.Name == s.Action {
		return path.Join(s.folder(), file)
	}
	return path.Join(strings.ReplaceAll(s.Action, ":", ""), s.Name, file)
}

// lines are the lines of a script: a text or a list of them.
func lines(input any) []string {
	list, ok := input.([]any)
	if !ok {
		return []string{textOf(input)}
	}
	var out []string
	for _, one := range list {
		out = append(out, lines(one)...)
	}
	return out
}

func textOf(input any) string {
	if input == nil {
		return ""
	}
	return text(input)
}

// timeoutOf is how long a script may run: what is not between 5 seconds and 48 hours is one hour.
func timeoutOf(input any) time.Duration {
	seconds, err := strconv.ParseFloat(textOf(input), 64)
	timeout := time.Duration(math.Trunc(min(seconds, 1e6)) * float64(time.Second))
	if err != nil || timeout < minTimeout || timeout > maxTimeout {
		return defaultTimeout
	}
	return timeout
}
