package operate

import (
	"context"
	"strings"
	"testing"
	"time"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/contract"
)

// A new host is waited for. One that was started long ago is not.
func TestReady(t *testing.T) {
	t.Parallel()
	stand := func(launched time.Time, ready bool) *Stack {
		status := contract.Status{Version: contract.StatusVersion, PostgresReady: ready}.Encode()
		return stackOn(&fakeAWS{
			instances: []ec2types.Instance{instance("i-1", "running", launched)},
			agents:    []ssmtypes.InstanceInformation{agent("i-1", "Online", time.Now())},
			invocations: [][]ssmtypes.CommandInvocation{
				invocation("Failed", "Failed", stepOf("status", "Failed", 1)), // the host program is not there yet
				invocation("Success", "Success", stepOf("status", "Success", 0)),
			},
			outputs: map[string]*ssm.GetCommandInvocationOutput{"status": output(string(status), "")},
		})
	}
	if host, err := stand(time.Now(), true).Ready(within(t)); err != nil || host.InstanceID != "i-1" {
		t.Errorf("a new host: %v, %v", host, err)
	}
	if _, err := stand(time.Now().Add(-time.Hour), true).Ready(t.Context()); err == nil {
		t.Error("a host that is broken was waited for")
	}
	old := stand(time.Now().Add(-time.Hour), false)
	old.ssm.(*fakeAWS).invocations = old.ssm.(*fakeAWS).invocations[1:]
	if _, err := old.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "its Postgres does not answer") {
		t.Errorf("without Postgres: %v", err)
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
