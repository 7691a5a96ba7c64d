package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/internal/operate"
)

// whyFailed says why the last run of an association failed: the error that the host recorded or, if there is none, the
// end of the failed step's output. That also covers steps that ran before the host program could record anything.
func (w *world) whyFailed(ctx context.Context, association *types.AssociationDescription) string {
	if status, err := w.status(ctx); err == nil && len(status.Problems) > 0 {
		var all []string
		for _, p := range status.Problems {
			text := p.Error
			if p.App != "" {
				text = "app " + p.App + ": " + text
			}
			all = append(all, text)
		}
		return strings.Join(all, "; ")
	}
	text, err := w.lastPrinted(ctx, aws.ToString(association.AssociationId))
	switch {
	case err != nil:
		return operate.Explain("read the output of the host", err).Error()
	case text == "":
		return "the host printed nothing"
	}
	return text
}

// lastPrinted returns the end of the output of the failed step of an association's newest run.
func (w *world) lastPrinted(ctx context.Context, id string) (string, error) {
	runs, err := w.ssm.DescribeAssociationExecutions(ctx, &ssm.DescribeAssociationExecutionsInput{AssociationId: &id})
	if err != nil || len(runs.AssociationExecutions) == 0 {
		return "", err
	}
	newest := runs.AssociationExecutions[0]
	for _, run := range runs.AssociationExecutions {
		if aws.ToTime(run.CreatedTime).After(aws.ToTime(newest.CreatedTime)) {
			newest = run
		}
	}
	on, err := w.ssm.DescribeAssociationExecutionTargets(ctx, &ssm.DescribeAssociationExecutionTargetsInput{
		AssociationId: &id, ExecutionId: newest.ExecutionId,
	})
	if err != nil {
		return "", err
	}
	for _, target := range on.AssociationExecutionTargets {
		if target.OutputSource == nil {
			continue
		}
		list, err := w.ssm.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{
			CommandId: target.OutputSource.OutputSourceId, InstanceId: target.ResourceId, Details: true,
		})
		if err != nil {
			return "", err
		}
		for _, invocation := range list.CommandInvocations {
			if text := failedStep(invocation.CommandPlugins); text != "" {
				return text, nil
			}
		}
	}
	return "", nil
}

// failedStep returns the name of the first step that failed and the end of its output, "" if none failed.
func failedStep(steps []types.CommandPlugin) string {
	const shown = 600
	for _, step := range steps {
		if step.Status != types.CommandPluginStatusFailed && step.Status != types.CommandPluginStatusTimedOut {
			continue
		}
		text := strings.Join(strings.Fields(aws.ToString(step.Output)), " ")
		if len(text) > shown {
			text = "..." + strings.ToValidUTF8(text[len(text)-shown:], "")
		}
		return fmt.Sprintf("step %s ended as %s and printed: %s", aws.ToString(step.Name), step.Status, text)
	}
	return ""
}
