package runcommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"webstack/local/machine"
)

// Actions are the actions that commands may have.
var Actions = []string{
	"aws:applications", "aws:cloudWatch", "aws:configureDocker", "aws:configurePackage", "aws:domainJoin",
	downloadContent, "aws:psModule", "aws:refreshAssociation", "aws:runDockerAction", "aws:runDocument",
	"aws:runPowerShellScript", runShellScript, "aws:softwareInventory", "aws:updateAgent", "aws:updateSsmAgent",
}

// foreignActions are the actions of other platforms, which the agent skips on Linux.
var foreignActions = []string{"aws:applications", "aws:cloudWatch", "aws:psModule"}

const (
	runShellScript  = "aws:runShellScript"
	downloadContent = "aws:downloadContent"

	minTimeout     = 5 * time.Second
	maxTimeout     = 172800 * time.Second
	defaultTimeout = 3600 * time.Second

	// agentFolder is the working directory of the agent, and of scripts without one of their own.
	agentFolder = "/usr/bin"

	// lookAgain is how often to check whether a machine that went away is back.
	lookAgain = 200 * time.Millisecond
)

// step runs one step, whose inputs are interpolated.
func (r Run) step(ctx context.Context, machines machine.Machines, i interpolator, step Step, result *Result) {
	switch {
	case step.Action == runShellScript:
		r.script(ctx, machines, i, step, result)
	case step.Action == downloadContent:
		if err := r.download(ctx, machines, step.Inputs, result); err != nil {
			result.fail(err)
		}
	case slices.Contains(Actions, step.Action):
		result.fail(fmt.Errorf("the laptop cloud does not support the action %s of step %s, only %s and %s from S3",
			step.Action, step.Name, runShellScript, downloadContent))
	default:
		result.reject(decision{Failed, fmt.Sprintf("Plugin with name %s is not supported by this version of ssm agent, "+
			"please update to latest version. Step name: %s", step.Action, step.Name)})
	}
}

// inputs interpolates the inputs of a step. Only in a script can a reference become the name of a variable.
func (i interpolator) inputs(ctx context.Context, step Step) (map[string]any, error) {
	pasting := i
	pasting.pointing = nil
	out := make(map[string]any, len(step.Inputs))
	for name, input := range step.Inputs {
		using := pasting
		if name == "runCommand" && step.Action == runShellScript {
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

// scriptInputs are the inputs of a script as the agent reads them.
type scriptInputs struct {
	commands    []string
	folder      string
	environment map[string]string
}

// readScript reads the inputs of a script. The agent's error names its own type.
func readScript(inputs map[string]any) (scriptInputs, error) {
	type RunScriptPluginInput struct {
		RunCommand       []string
		WorkingDirectory string
		Environment      map[string]string
	}
	var in RunScriptPluginInput
	encoded, err := json.Marshal(inputs)
	if err == nil {
		err = json.Unmarshal(encoded, &in)
	}
	if err != nil {
		return scriptInputs{}, fmt.Errorf("Invalid format in plugin properties %v;\nerror %w", //nolint:staticcheck // see above
			inputs, err)
	}
	folder := in.WorkingDirectory
	if !path.IsAbs(folder) {
		folder = agentFolder
	}
	return scriptInputs{in.RunCommand, folder, in.Environment}, nil
}

// script runs a script, and runs it again if its machine is rebooted.
func (r Run) script(ctx context.Context, machines machine.Machines, i interpolator, step Step, result *Result) {
	in, err := readScript(step.Inputs)
	if err != nil {
		result.fail(err)
		return
	}
	script := path.Join("/var/lib/amazon/ssm", r.InstanceID, "document/orchestration", r.ID, step.folder(), "_script.sh")
	var stdout, stderr output
	command := machine.Command{
		Args:  []string{"sh", "-c", script},
		Files: map[string][]byte{script: []byte(strings.Join(in.commands, "\n") + "\n")},
		Dir:   in.folder, Env: r.environment(i, in), Timeout: timeoutOf(step.Inputs["timeoutSeconds"]),
		Stdout: &stdout, Stderr: &stderr,
	}
	exit, err := r.repeated(ctx, machines, command)
	result.Stdout, result.Stderr = stdout.String(), stderr.String()
	result.conclude(ctx, exit, err)
}

// environment returns the variables that a script gets.
func (r Run) environment(i interpolator, in scriptInputs) []string {
	variables := append([]string{
		"SSM_COMMAND_ID=" + r.ID, "AWS_SSM_INSTANCE_ID=" + r.InstanceID, "AWS_SSM_REGION_NAME=" + r.Region,
		"AWS_SSM_PLATFORM_NAME=" + r.PlatformName, "AWS_SSM_PLATFORM_VERSION=" + r.PlatformVersion,
	}, i.variables...)
	for _, name := range slices.Sorted(maps.Keys(in.environment)) {
		variables = append(variables, name+"="+in.environment[name])
	}
	return variables
}

// repeated runs a command, and runs it again if its machine is rebooted. The outputs of the runs are joined.
func (r Run) repeated(ctx context.Context, machines machine.Machines, command machine.Command) (machine.Exit, error) {
	for runs := 1; ; runs++ {
		exit, err := machines.Run(ctx, r.InstanceID, command)
		again := err == nil && exit.Code == exitReboot && !exit.TimedOut
		if again {
			err = machines.Reboot(ctx, r.InstanceID)
		} else if err != nil && ctx.Err() == nil {
			again = errors.Is(err, machine.ErrNotRunning) || !machines.Running(ctx, r.InstanceID)
		}
		switch {
		case !again:
			return exit, err
		case runs == maxRuns:
			return exit, fmt.Errorf("the step was run %d times, and its machine rebooted each time", runs)
		case !present(ctx, machines, r.InstanceID, command.Timeout):
			return machine.Exit{Code: exitKilled, TimedOut: true}, nil
		}
	}
}

// conclude turns the exit of the script into the result.
func (r *Result) conclude(ctx context.Context, exit machine.Exit, err error) {
	r.Code = exit.Code
	var start *machine.StartError
	switch {
	case ctx.Err() != nil:
		r.Status, r.Code = Cancelled, exitKilled
	case errors.As(err, &start):
		r.fail(fmt.Errorf("failed to run commands: %w", start))
	case err != nil:
		r.fail(fmt.Errorf("failed to run commands: %w", err))
	case exit.TimedOut, exit.Code == exitKilled: // the agent cannot tell who killed it
		r.Status, r.Code = TimedOut, exitKilled
	case exit.Code == 0 || exit.Code == exitSuccess:
		r.Status = Success
	default:
		r.Status = Failed
		r.Stderr += fmt.Sprintf("failed to run commands: exit status %d", exit.Code)
	}
}

// present waits until a machine is running, and reports whether it is.
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

// folder returns the folder of a step's files, below the folder of the run.
func (s Step) folder() string { return strings.ReplaceAll(s.Name, ":", "") }

func textOf(input any) string {
	if input == nil {
		return ""
	}
	return text(input)
}

// timeoutOf returns how long a script may run: one hour if the value is not between 5 seconds and 48 hours.
func timeoutOf(input any) time.Duration {
	seconds, err := strconv.ParseFloat(textOf(input), 64)
	timeout := time.Duration(math.Trunc(min(seconds, 1e6)) * float64(time.Second))
	if err != nil || timeout < minTimeout || timeout > maxTimeout {
		return defaultTimeout
	}
	return timeout
}
