package runcommand

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const (
	platform     = "Linux"
	platformType = "platformType"
)

// decision says whether a step runs, or is skipped or fails for a reason.
type decision struct {
	status Status // "" to run it
	reason string
}

// decide checks a step's precondition and whether its action is for this platform.
func (d Document) decide(ctx context.Context, i interpolator, step Step) decision {
	unfit := slices.Contains(foreignActions, step.Action)
	if len(step.Precondition) == 0 {
		if unfit {
			return decision{Skipped, fmt.Sprintf("Step execution skipped due to unsupported plugin: %s. Step name: %s",
				step.Action, step.Name)}
		}
		return decision{}
	}
	if d.SchemaVersion != "2.2" {
		return decision{Failed, "Precondition is not supported for document schema version prior to 2.2. Step name: " +
			step.Name}
	}
	holds, problems := i.holds(ctx, step.Precondition)
	switch {
	case unfit:
		return decision{Skipped, fmt.Sprintf("Step execution skipped due to unsupported plugin: %s. Step name: %s",
			step.Action, step.Name)}
	case !holds:
		return decision{Skipped, fmt.Sprintf("Step execution skipped due to unsatisfied preconditions: '%s'. Step name: %s",
			strings.Join(problems, ", "), step.Name)}
	case len(problems) > 0:
		return decision{Failed, fmt.Sprintf(
			"Unrecognized precondition(s): '%s', please update agent to latest version. Step name: %s",
			strings.Join(problems, ", "), step.Name)}
	default:
		return decision{}
	}
}

// holds evaluates preconditions. A problem with one makes the step fail even if the others hold.
func (i interpolator) holds(ctx context.Context, preconditions map[string][]string) (holds bool, problems []string) {
	holds = true
	for operator, operands := range preconditions {
		if operator != "StringEquals" {
			problems = append(problems, fmt.Sprintf("unrecognized operator: %q", operator))
			continue
		}
		equal, problem := i.equal(ctx, operands)
		if !equal {
			holds = false
			problem = fmt.Sprintf("%q: [%s]", operator, strings.Join(operands, ", "))
		}
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	slices.Sort(problems)
	return holds, problems
}

func (i interpolator) equal(ctx context.Context, operands []string) (equal bool, problem string) {
	if len(operands) != 2 {
		return true, `"StringEquals": operator accepts exactly 2 arguments`
	}
	first, second := operands[0], operands[1]
	if second == platformType {
		first, second = second, first
	}
	switch {
	case first == platformType && second == platformType:
		return true, fmt.Sprintf("%q: %v", "StringEquals", operands)
	case first == second:
		return true, `"StringEquals": operator's arguments can't be identical`
	case strings.Contains(first+second, "ssm:") && mention.MatchString(first+second):
		return true, `"StringEquals": operator's arguments can't contain SSM parameters`
	case first == platformType:
		if mention.MatchString(second) {
			return true, `"StringEquals": the second argument for the platformType variable can't contain document parameters`
		}
		return strings.EqualFold(second, platform), ""
	}
	plain := interpolator{values: i.values}
	resolvedFirst, _ := plain.replace(ctx, first) // neither names a parameter of Parameter Store
	resolvedSecond, _ := plain.replace(ctx, second)
	if resolvedFirst == first && resolvedSecond == second {
		return true, `"StringEquals": at least one of operator's arguments must contain a valid document parameter`
	}
	return text(resolvedFirst) == text(resolvedSecond), ""
}
