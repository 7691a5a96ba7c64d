package samples

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/contract"
	"webstack/internal/operate"
)

const (
	// convergePatience is how long a host may take to apply the stack, in addition to the time limits of its apps. The
	// first time it boots and installs Docker.
	convergePatience = 15 * time.Minute
	convergePoll     = 250 * time.Millisecond
	// outputLines is how many lines of a failed step's output an error shows.
	outputLines = 20
)

// converge follows the association that applies the bundle.
type converge struct {
	client *ssm.Client
	id     string
	say    func(line string)
	// steps are the last known states of the steps of the run that is followed.
	steps map[string]ssmtypes.CommandPluginStatus
}

// Converge waits until the host has applied the stack. It starts another run if changed says that something has changed
// since the last one, or if that one failed. say is called with the progress. The error of a failed attempt shows the
// end of the host's output.
func Converge(ctx context.Context, s *operate.Stack, changed bool, say func(line string)) error {
	patience := convergePatience
	for _, app := range s.Config.Apps {
		patience += time.Duration(app.ChangeSeconds()) * time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it took longer than %s", patience))
	defer cancel()
	c := &converge{client: ssm.NewFromConfig(s.AWS), say: say, steps: map[string]ssmtypes.CommandPluginStatus{}}
	name := s.Document(contract.DocConverge)
	found, err := c.find(ctx, name)
	if err != nil {
		return err
	}
	before, err := c.executions(ctx)
	if err != nil {
		return err
	}
	start, err := c.mustStart(ctx, aws.ToString(found.AssociationVersion), before, changed)
	if err != nil {
		return err
	}
	if start {
		_, err := c.client.StartAssociationsOnce(ctx, &ssm.StartAssociationsOnceInput{AssociationIds: []string{c.id}})
		if err != nil {
			return fmt.Errorf("start the association %s: %w", name, err)
		}
	} else {
		before = nil // any run of this version is good
	}
	last, err := c.wait(ctx, aws.ToString(found.AssociationVersion), before)
	if err != nil {
		return fmt.Errorf("wait until the host has applied the stack: %w", err)
	}
	if failed(last) {
		return c.failure(ctx, last)
	}
	return nil
}

// mustStart reports whether a run has to be started. A new version of the association runs on its own, and a run that
// has not reached the step that reads the stack will see the change.
func (c *converge) mustStart(
	ctx context.Context, version string, before []ssmtypes.AssociationExecution, changed bool,
) (bool, error) {
	if len(before) == 0 || aws.ToString(before[0].AssociationVersion) != version {
		return false, nil
	}
	newest := before[0]
	if !running(newest) {
		return changed || failed(newest), nil
	}
	invocations, err := c.invocations(ctx, newest)
	if err != nil {
		return false, fmt.Errorf("read the progress of the host: %w", err)
	}
	for _, invocation := range invocations {
		for _, step := range invocation.CommandPlugins {
			if aws.ToString(step.Name) == contract.DocConverge && step.Status != ssmtypes.CommandPluginStatusPending {
				return changed, nil
			}
		}
	}
	return false, nil
}

// find looks up the association by its name, which is also its document's.
func (c *converge) find(ctx context.Context, name string) (ssmtypes.Association, error) {
	out, err := c.client.ListAssociations(ctx, &ssm.ListAssociationsInput{AssociationFilterList: []ssmtypes.AssociationFilter{
		{Key: ssmtypes.AssociationFilterKeyAssociationName, Value: aws.String(name)},
	}})
	if err != nil {
		return ssmtypes.Association{}, fmt.Errorf("find the association %s: %w", name, err)
	}
	if len(out.Associations) != 1 {
		return ssmtypes.Association{}, fmt.Errorf("find the association %s: there are %d", name, len(out.Associations))
	}
	c.id = aws.ToString(out.Associations[0].AssociationId)
	return out.Associations[0], nil
}

// executions returns the runs of the association, the newest first.
func (c *converge) executions(ctx context.Context) ([]ssmtypes.AssociationExecution, error) {
	out, err := c.client.DescribeAssociationExecutions(ctx, &ssm.DescribeAssociationExecutionsInput{AssociationId: &c.id})
	if err != nil {
		return nil, fmt.Errorf("list the runs of the association: %w", err)
	}
	slices.SortStableFunc(out.AssociationExecutions, func(a, b ssmtypes.AssociationExecution) int {
		return aws.ToTime(b.CreatedTime).Compare(aws.ToTime(a.CreatedTime))
	})
	return out.AssociationExecutions, nil
}

// wait returns the newest run of that version of the association that is not one of before, once it has ended.
func (c *converge) wait(
	ctx context.Context, version string, before []ssmtypes.AssociationExecution,
) (ssmtypes.AssociationExecution, error) {
	old := map[string]bool{}
	for _, execution := range before {
		old[aws.ToString(execution.ExecutionId)] = true
	}
	for {
		all, err := c.executions(ctx)
		if err != nil {
			return ssmtypes.AssociationExecution{}, err
		}
		if len(all) > 0 {
			newest := all[0]
			c.report(ctx, newest)
			if !running(newest) && aws.ToString(newest.AssociationVersion) == version && !old[aws.ToString(newest.ExecutionId)] {
				return newest, nil
			}
		}
		select {
		case <-ctx.Done():
			return ssmtypes.AssociationExecution{}, context.Cause(ctx)
		case <-time.After(convergePoll):
		}
	}
}

func running(execution ssmtypes.AssociationExecution) bool {
	status := aws.ToString(execution.Status)
	return status == "Pending" || status == "InProgress"
}

func failed(execution ssmtypes.AssociationExecution) bool {
	return !running(execution) && aws.ToString(execution.Status) != "Success"
}

// report says which steps of a run have begun or ended. Its own errors do not matter.
func (c *converge) report(ctx context.Context, execution ssmtypes.AssociationExecution) {
	invocations, err := c.invocations(ctx, execution)
	if err != nil {
		return
	}
	for _, invocation := range invocations {
		for _, step := range invocation.CommandPlugins {
			key := aws.ToString(invocation.CommandId) + aws.ToString(step.Name)
			if step.Status != c.steps[key] && step.Status == ssmtypes.CommandPluginStatusInProgress {
				c.say("the host is at step " + aws.ToString(step.Name))
			}
			c.steps[key] = step.Status
		}
	}
}

// invocations returns what a run has done on each host.
func (c *converge) invocations(
	ctx context.Context, execution ssmtypes.AssociationExecution,
) ([]ssmtypes.CommandInvocation, error) {
	targets, err := c.client.DescribeAssociationExecutionTargets(ctx, &ssm.DescribeAssociationExecutionTargetsInput{
		AssociationId: &c.id, ExecutionId: execution.ExecutionId,
	})
	if err != nil {
		return nil, err
	}
	var out []ssmtypes.CommandInvocation
	for _, target := range targets.AssociationExecutionTargets {
		if target.OutputSource == nil {
			continue
		}
		list, err := c.client.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{
			CommandId: target.OutputSource.OutputSourceId, InstanceId: target.ResourceId, Details: true,
		})
		if err != nil {
			return nil, err
		}
		out = append(out, list.CommandInvocations...)
	}
	return out, nil
}

// failure returns what went wrong in a run, with the end of the failed step's output.
func (c *converge) failure(ctx context.Context, execution ssmtypes.AssociationExecution) error {
	failure := fmt.Errorf(
		"apply the stack on the host: the association ended with status %s", aws.ToString(execution.Status))
	invocations, err := c.invocations(ctx, execution)
	if err != nil {
		return errors.Join(failure, fmt.Errorf("read the host's output: %w", err))
	}
	for _, invocation := range invocations {
		for _, step := range invocation.CommandPlugins {
			if step.ResponseCode == 0 && step.Status != ssmtypes.CommandPluginStatusFailed &&
				step.Status != ssmtypes.CommandPluginStatusTimedOut {
				continue
			}
			printed, err := c.printed(ctx, invocation, step)
			if err != nil {
				return errors.Join(failure, err)
			}
			return fmt.Errorf("apply the stack on the host %s: step %s ended with status %s and exit status %d; "+
				"its last output:\n%s",
				aws.ToString(invocation.InstanceId), aws.ToString(step.Name), step.Status, step.ResponseCode, printed)
		}
	}
	return failure
}

// printed returns the end of a step's output.
func (c *converge) printed(
	ctx context.Context, invocation ssmtypes.CommandInvocation, step ssmtypes.CommandPlugin,
) (string, error) {
	out, err := c.client.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{
		CommandId: invocation.CommandId, InstanceId: invocation.InstanceId, PluginName: step.Name,
	})
	if err != nil {
		return "", fmt.Errorf("read the host's output: %w", err)
	}
	text := strings.TrimSpace(aws.ToString(out.StandardOutputContent) + "\n" + aws.ToString(out.StandardErrorContent))
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-outputLines):], "\n"), nil
}
