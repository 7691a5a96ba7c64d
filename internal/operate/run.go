package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

const (
	// deliverySeconds is how long a command may wait for the agent; Run Command's minimum is 30.
	deliverySeconds = 60
	// pollFirst and pollMost bound the growing pause between two requests for a command's state.
	pollFirst, pollMost = 200 * time.Millisecond, 2 * time.Second
	// appearance is how long a command may stay unknown after it was accepted; the API is eventually consistent.
	appearance = 30 * time.Second
)

// Command runs a document on a host.
type Command struct {
	// Host is the instance's ID.
	Host string
	// Document is its name; see Stack.Document.
	Document string
	// Parameters are the document's parameters, by name.
	Parameters map[string]string
	// Progress, if not nil, gets the status each time it changes, as Systems Manager words it.
	Progress func(status string)
}

// Result is how a command ended.
type Result struct {
	CommandID string
	// Status is Systems Manager's detailed status, such as Success, Failed, ExecutionTimedOut or Undeliverable.
	Status string
	// Steps are the steps of the document that ran, in order.
	Steps []Step
}

// Step is how one step of a document ended.
type Step struct {
	Name, Status   string
	ExitCode       int
	Stdout, Stderr string // the first 24,000 and 8,000 characters
}

// Run runs a document on a host and waits until it ends. It returns an error if the document could not be run or
// followed; Result.Err says whether the document succeeded. When ctx ends, the document keeps running.
func (s *Stack) Run(ctx context.Context, c Command) (Result, error) {
	id, err := s.send(ctx, c)
	if err != nil {
		return Result{}, err
	}
	last := ""
	ended, err := s.wait(ctx, id, c.Host, pollMost, func(status ssmtypes.CommandInvocationStatus) {
		if string(status) != last && c.Progress != nil {
			last = string(status)
			c.Progress(last)
		}
	})
	if err != nil {
		return Result{}, err
	}
	return s.result(ctx, id, c, ended)
}

// send sends a document to a host and returns the command's ID.
func (s *Stack) send(ctx context.Context, c Command) (id string, err error) {
	parameters := map[string][]string{}
	for name, value := range c.Parameters {
		parameters[name] = []string{value}
	}
	sent, err := s.ssm.SendCommand(ctx, &ssm.SendCommandInput{
		DocumentName: &c.Document, InstanceIds: []string{c.Host}, Parameters: parameters,
		TimeoutSeconds: aws.Int32(deliverySeconds),
	})
	switch {
	case HasCode(err, "InvalidDocument"):
		return "", fmt.Errorf("run document %s: it does not exist; create it with pulumi up --refresh --stack %s",
			c.Document, s.Name)
	case HasCode(err, "InvalidInstanceId"):
		return "", fmt.Errorf("run document %s on %s: Systems Manager cannot reach the host; "+
			"see webstack verify --stack %s", c.Document, c.Host, s.Name)
	case err != nil:
		return "", Explain("run document "+c.Document, err)
	}
	return aws.ToString(sent.Command.CommandId), nil
}

// result returns how a command ended, with the output of its steps.
func (s *Stack) result(ctx context.Context, id string, c Command, ended *ssmtypes.CommandInvocation) (Result, error) {
	result := Result{CommandID: id, Status: aws.ToString(ended.StatusDetails)}
	for _, plugin := range ended.CommandPlugins {
		step, err := s.step(ctx, id, c.Host, plugin)
		if err != nil {
			return Result{}, err
		}
		result.Steps = append(result.Steps, step)
	}
	return result, nil
}

// wait waits until a command has ended on the host. It calls look with the status each time it looks before, and the
// pauses between two looks grow to most.
func (s *Stack) wait(
	ctx context.Context, id, host string, most time.Duration, look func(ssmtypes.CommandInvocationStatus),
) (*ssmtypes.CommandInvocation, error) {
	begun, pause := time.Now(), s.poll
	for {
		found, err := s.invocation(ctx, id, host)
		switch {
		case err != nil:
			return nil, Explain("follow command "+id, err)
		case found == nil && time.Since(begun) > appearance:
			return nil, fmt.Errorf("follow command %s: Systems Manager still does not know it after %s; is %s its host?",
				id, appearance, host)
		case found != nil && ended(found.Status):
			return found, nil
		}
		if found != nil {
			look(found.Status)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for command %s, which keeps running on the host: %w", id, ctx.Err())
		case <-time.After(pause):
		}
		pause = min(pause*3/2, most)
	}
}

// invocation returns what is known about a command on its host, nil while nothing is.
func (s *Stack) invocation(ctx context.Context, id, host string) (*ssmtypes.CommandInvocation, error) {
	list, err := s.ssm.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{
		CommandId: &id, InstanceId: &host, Details: true,
	})
	switch {
	case HasCode(err, "InvalidCommandId", "InvocationDoesNotExist"):
		return nil, nil
	case err != nil:
		return nil, err
	case len(list.CommandInvocations) == 0:
		return nil, nil
	}
	return &list.CommandInvocations[0], nil
}

func ended(status ssmtypes.CommandInvocationStatus) bool {
	switch status {
	case ssmtypes.CommandInvocationStatusPending, ssmtypes.CommandInvocationStatusInProgress,
		ssmtypes.CommandInvocationStatusDelayed, ssmtypes.CommandInvocationStatusCancelling:
		return false
	}
	return true
}

// step gets the whole output of a step; the list of invocations has only its beginning.
func (s *Stack) step(ctx context.Context, id, host string, plugin ssmtypes.CommandPlugin) (Step, error) {
	step := Step{
		Name: aws.ToString(plugin.Name), Status: aws.ToString(plugin.StatusDetails), ExitCode: int(plugin.ResponseCode),
	}
	begun := time.Now()
	for {
		output, err := s.ssm.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{
			CommandId: &id, InstanceId: &host, PluginName: plugin.Name,
		})
		if err == nil {
			step.Stdout, step.Stderr = aws.ToString(output.StandardOutputContent), aws.ToString(output.StandardErrorContent)
			return step, nil
		}
		if !HasCode(err, "InvocationDoesNotExist") || time.Since(begun) > appearance {
			return step, Explain("read the output of command "+id, err)
		}
		select {
		case <-ctx.Done():
			return step, fmt.Errorf("read the output of command %s: %w", id, ctx.Err())
		case <-time.After(s.poll):
		}
	}
}

// Stdout returns what the last step that ran wrote to its standard output.
func (r Result) Stdout() string {
	if len(r.Steps) == 0 {
		return ""
	}
	return r.Steps[len(r.Steps)-1].Stdout
}

// Err says what went wrong in the document, or returns nil: the step, its exit status and the last lines that it wrote.
func (r Result) Err() error {
	if r.Status == string(ssmtypes.CommandInvocationStatusSuccess) {
		return nil
	}
	for _, step := range r.Steps {
		if step.ExitCode > 0 || step.Status == string(ssmtypes.CommandPluginStatusFailed) {
			return fmt.Errorf("step %s of command %s ended with exit status %d: %s",
				step.Name, r.CommandID, step.ExitCode, tail(step))
		}
	}
	if r.Status == "Undeliverable" || r.Status == "DeliveryTimedOut" {
		return fmt.Errorf("command %s did not reach the host (%s); see webstack verify", r.CommandID, r.Status)
	}
	return errors.New("command " + r.CommandID + " ended as " + r.Status)
}

// tailLines is the number of lines of a failed step that an error shows.
const tailLines = 5

// tail returns the end of a step's standard error or, if that is empty, of its standard output.
func tail(step Step) string {
	lines := written(step.Stderr)
	if len(lines) == 0 {
		lines = written(step.Stdout)
	}
	if len(lines) == 0 {
		return "it wrote nothing"
	}
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// written returns the lines that a step itself wrote; the agent adds lines to those of a failed step.
func written(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && !strings.HasPrefix(line, "failed to run commands: exit status ") &&
			line != "Step was found to have onFailure property. Further document steps will be skipped." {
			out = append(out, line)
		}
	}
	return out
}
