package operate

import (
	"errors"
	"strings"
	"testing"
	"time"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestHostIsTheRunningOneThenTheNewest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tests := map[string][]ec2types.Instance{
		"one":               {instance("i-right", "running", now)},
		"running, old":      {instance("i-1", "stopping", now), instance("i-right", "running", now.Add(-time.Hour))},
		"two running":       {instance("i-1", "running", now.Add(-time.Hour)), instance("i-right", "running", now)},
		"stopped and older": {instance("i-right", "stopped", now), instance("i-1", "stopped", now.Add(-time.Hour))},
	}
	for name, instances := range tests {
		fake := &fakeAWS{instances: instances}
		host, err := stackOn(fake).Host(t.Context())
		if err != nil || host.InstanceID != "i-right" || host.PublicIP != "203.0.113.10" {
			t.Errorf("%s: %+v, %v", name, host, err)
		}
		if filter := fake.described[0].Filters[0]; *filter.Name != "tag:webstack:stack" || filter.Values[0] != "webstack/dev" {
			t.Errorf("%s: asked for %s=%v", name, *filter.Name, filter.Values)
		}
	}
}

func TestNoHost(t *testing.T) {
	t.Parallel()
	_, err := stackOn(&fakeAWS{}).Host(t.Context())
	if !errors.Is(err, ErrNoHost) || !strings.Contains(err.Error(), "pulumi up --refresh --stack dev") ||
		!strings.Contains(err.Error(), "123456789012, eu-central-1") {
		t.Error(err)
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	now := time.Now()
	online := []ssmtypes.InstanceInformation{agent("i-1", "Online", now)}
	tests := []struct {
		name, want string
		fake       fakeAWS
	}{
		{"well", "", fakeAWS{instances: []ec2types.Instance{instance("i-1", "running", now)}, agents: online}},
		{"stopped", "aws ec2 start-instances --region eu-central-1 --instance-ids i-1",
			fakeAWS{instances: []ec2types.Instance{instance("i-1", "stopped", now)}, agents: online}},
		{"pending", "it is pending; try again in a minute",
			fakeAWS{instances: []ec2types.Instance{instance("i-1", "pending", now)}, agents: online}},
		{"no agent", "has not registered with Systems Manager",
			fakeAWS{instances: []ec2types.Instance{instance("i-1", "running", now)}}},
		{"lost", "has not heard from its agent for 1h (ConnectionLost)", fakeAWS{
			instances: []ec2types.Instance{instance("i-1", "running", now)},
			agents:    []ssmtypes.InstanceInformation{agent("i-1", "ConnectionLost", now.Add(-time.Hour))},
		}},
		{"not allowed", "AccessDeniedException: no; ask for that permission", fakeAWS{
			instances: []ec2types.Instance{instance("i-1", "running", now)},
			err:       map[string]error{"DescribeInstanceInformation": apiError("AccessDeniedException", "no")},
		}},
	}
	for _, test := range tests {
		_, err := stackOn(&test.fake).Reachable(t.Context())
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %v", test.name, err)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		1500 * time.Millisecond: "2s", 90 * time.Second: "1m30s", time.Hour + 20*time.Second: "1h",
		25*time.Hour + 3*time.Minute: "25h3m", 71 * time.Hour: "2 days",
	} {
		if got := Ago(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
