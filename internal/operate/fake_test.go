package operate

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// fakeAWS answers with what the test puts into it.
type fakeAWS struct {
	instances []ec2types.Instance
	agents    []ssmtypes.InstanceInformation
	// invocations are the answers to ListCommandInvocations, one after the other; the last one stays.
	invocations [][]ssmtypes.CommandInvocation
	outputs     map[string]*ssm.GetCommandInvocationOutput // by step
	err         map[string]error                           // by call; once when it is InvocationDoesNotExist
	sent        []*ssm.SendCommandInput
	described   []*ec2.DescribeInstancesInput
}

func (f *fakeAWS) fail(call string) error {
	err := f.err[call]
	if HasCode(err, "InvocationDoesNotExist") {
		delete(f.err, call)
	}
	return err
}

func (f *fakeAWS) DescribeInstances(
	_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options),
) (*ec2.DescribeInstancesOutput, error) {
	f.described = append(f.described, in)
	out := &ec2.DescribeInstancesOutput{}
	for _, instance := range f.instances {
		out.Reservations = append(out.Reservations, ec2types.Reservation{Instances: []ec2types.Instance{instance}})
	}
	return out, f.fail("DescribeInstances")
}

func (f *fakeAWS) DescribeInstanceInformation(
	context.Context, *ssm.DescribeInstanceInformationInput, ...func(*ssm.Options),
) (*ssm.DescribeInstanceInformationOutput, error) {
	return &ssm.DescribeInstanceInformationOutput{InstanceInformationList: f.agents}, f.fail("DescribeInstanceInformation")
}

func (f *fakeAWS) SendCommand(
	_ context.Context, in *ssm.SendCommandInput, _ ...func(*ssm.Options),
) (*ssm.SendCommandOutput, error) {
	f.sent = append(f.sent, in)
	return &ssm.SendCommandOutput{Command: &ssmtypes.Command{CommandId: aws.String("command-1")}}, f.fail("SendCommand")
}

func (f *fakeAWS) ListCommandInvocations(
	context.Context, *ssm.ListCommandInvocationsInput, ...func(*ssm.Options),
) (*ssm.ListCommandInvocationsOutput, error) {
	if err := f.fail("ListCommandInvocations"); err != nil {
		return nil, err
	}
	out := &ssm.ListCommandInvocationsOutput{CommandInvocations: f.invocations[0]}
	if len(f.invocations) > 1 {
		f.invocations = f.invocations[1:]
	}
	return out, nil
}

func (f *fakeAWS) GetCommandInvocation(
	_ context.Context, in *ssm.GetCommandInvocationInput, _ ...func(*ssm.Options),
) (*ssm.GetCommandInvocationOutput, error) {
	return f.outputs[aws.ToString(in.PluginName)], f.fail("GetCommandInvocation")
}

func instance(id, state string, launched time.Time) ec2types.Instance {
	return ec2types.Instance{
		InstanceId: &id, State: &ec2types.InstanceState{Name: ec2types.InstanceStateName(state)}, LaunchTime: &launched,
		PublicIpAddress: aws.String("203.0.113.10"),
	}
}

func agent(id, ping string, last time.Time) ssmtypes.InstanceInformation {
	return ssmtypes.InstanceInformation{
		InstanceId: &id, PingStatus: ssmtypes.PingStatus(ping), LastPingDateTime: &last,
	}
}

func invocation(status, details string, steps ...ssmtypes.CommandPlugin) []ssmtypes.CommandInvocation {
	return []ssmtypes.CommandInvocation{{
		Status: ssmtypes.CommandInvocationStatus(status), StatusDetails: &details, CommandPlugins: steps,
	}}
}

func stepOf(name, status string, code int32) ssmtypes.CommandPlugin {
	return ssmtypes.CommandPlugin{Name: &name, StatusDetails: &status, ResponseCode: code}
}

func output(stdout, stderr string) *ssm.GetCommandInvocationOutput {
	return &ssm.GetCommandInvocationOutput{StandardOutputContent: &stdout, StandardErrorContent: &stderr}
}

func apiError(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message}
}

func stackOn(f *fakeAWS) *Stack {
	return &Stack{
		Project: "webstack", Name: "dev", Account: "123456789012", Region: "eu-central-1", ec2: f, ssm: f,
		poll: time.Microsecond, logPause: time.Microsecond,
	}
}
