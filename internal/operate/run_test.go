package operate

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

func TestRun(t *testing.T) {
	t.Parallel()
	fake := &fakeAWS{
		invocations: [][]ssmtypes.CommandInvocation{
			nil, // not known yet
			invocation("Pending", "Pending"), invocation("InProgress", "InProgress"), invocation("InProgress", "InProgress"),
			invocation("Success", "Success", stepOf("docker", "Success", 0), stepOf("converge", "Success", 0)),
		},
		outputs: map[string]*ssm.GetCommandInvocationOutput{
			"docker": output("Docker is there\n", ""), "converge": output("nothing to do\n", "a warning\n"),
		},
		err: map[string]error{
			"ListCommandInvocations": apiError("InvocationDoesNotExist", ""),
			"GetCommandInvocation":   apiError("InvocationDoesNotExist", ""),
		},
	}
	var heard []string
	result, err := stackOn(fake).Run(t.Context(), Command{
		Host: "i-1", Document: "webstack-dev-converge", Parameters: map[string]string{"bucket": "b"},
		Progress: func(status string) { heard = append(heard, status) },
	})
	want := Result{CommandID: "command-1", Status: "Success", Steps: []Step{
		{Name: "docker", Status: "Success", Stdout: "Docker is there\n"},
		{Name: "converge", Status: "Success", Stdout: "nothing to do\n", Stderr: "a warning\n"},
	}}
	if err != nil || result.Err() != nil || cmp.Diff(want, result) != "" || result.Stdout() != "nothing to do\n" {
		t.Errorf("%v, %v, %s", err, result.Err(), cmp.Diff(want, result))
	}
	if diff := cmp.Diff([]string{"Pending", "InProgress"}, heard); diff != "" {
		t.Error(diff)
	}
	sent := fake.sent[0]
	if *sent.DocumentName != "webstack-dev-converge" || sent.InstanceIds[0] != "i-1" || sent.Parameters["bucket"][0] != "b" {
		t.Errorf("sent %+v", sent)
	}
}

// agentNoise is what the agent adds to what a failed step wrote.
const agentNoise = "failed to run commands: exit status 3\n" +
	"Step was found to have onFailure property. Further document steps will be skipped.\n"

func TestRunSaysHowADocumentFailed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		invocation []ssmtypes.CommandInvocation
		output     *ssm.GetCommandInvocationOutput
	}{
		"step deploy of command command-1 ended with exit status 3: two\nthree\nfour\nfive\nsix": {
			invocation("Failed", "Failed", stepOf("deploy", "Failed", 3)), output("out", "one\ntwo\nthree\nfour\nfive\n\nsix\n"+agentNoise),
		},
		"exit status 1: only this":    {invocation("Failed", "Failed", stepOf("deploy", "Failed", 1)), output("only this\n", "")},
		"it wrote nothing":            {invocation("Failed", "Failed", stepOf("deploy", "Failed", 1)), output("", "")},
		"did not reach the host":      {invocation("TimedOut", "DeliveryTimedOut"), nil},
		"ended as ExecutionTimedOut":  {invocation("TimedOut", "ExecutionTimedOut", stepOf("d", "TimedOut", 0)), output("", "")},
		"command command-1 ended as ": {invocation("Cancelled", "Cancelled"), nil},
	}
	for want, test := range tests {
		fake := &fakeAWS{
			invocations: [][]ssmtypes.CommandInvocation{test.invocation},
			outputs:     map[string]*ssm.GetCommandInvocationOutput{"deploy": test.output, "d": test.output},
		}
		result, err := stackOn(fake).Run(t.Context(), Command{Host: "i-1", Document: "d"})
		if err != nil || result.Err() == nil || !strings.Contains(result.Err().Error(), want) {
			t.Errorf("%v, %v, want %q", err, result.Err(), want)
		}
	}
}

func TestRunCannot(t *testing.T) {
	t.Parallel()
	for want, calls := range map[string]map[string]error{
		"it does not exist; create it with pulumi up --refresh --stack dev": {"SendCommand": apiError("InvalidDocument", "")},
		"Systems Manager cannot reach the host":                             {"SendCommand": apiError("InvalidInstanceId", "")},
		"ThrottlingException: slow down":                                    {"SendCommand": apiError("ThrottlingException", "slow down")},
		"follow command command-1: ":                                        {"ListCommandInvocations": apiError("AccessDeniedException", "")},
		"read the output of command command-1":                              {"GetCommandInvocation": apiError("InternalServerError", "")},
	} {
		fake := &fakeAWS{err: calls, invocations: [][]ssmtypes.CommandInvocation{
			invocation("Success", "Success", stepOf("d", "Success", 0)),
		}}
		_, err := stackOn(fake).Run(t.Context(), Command{Host: "i-1", Document: "webstack-dev-status"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	fake := &fakeAWS{invocations: [][]ssmtypes.CommandInvocation{invocation("InProgress", "InProgress")}}
	_, err := stackOn(fake).Run(ctx, Command{Host: "i-1", Document: "d", Progress: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "keeps running on the host") {
		t.Error(err)
	}
}
