package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/contract"
)

// ErrNoHost says that the stack has no host.
var ErrNoHost = errors.New("there is no instance")

// Host is the stack's instance.
type Host struct {
	InstanceID string
	// State is the EC2 state: pending, running, stopping or stopped.
	State string
	// PublicIP is "" while the instance has none.
	PublicIP string
	// Launched is when the instance was last started.
	Launched time.Time
	// Instance is everything that EC2 reports about it.
	Instance ec2types.Instance
}

// Host finds the stack's instance by its tag, or returns ErrNoHost. While one instance replaces another, the running
// one is the host; of two running ones, the newer.
func (s *Stack) Host(ctx context.Context) (Host, error) {
	pages := ec2.NewDescribeInstancesPaginator(s.ec2, &ec2.DescribeInstancesInput{Filters: []ec2types.Filter{
		{Name: aws.String("tag:" + contract.TagStack), Values: []string{s.Tag()}},
		{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
	}})
	var found *Host
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Host{}, Explain("find the host of "+s.Tag(), err)
		}
		for _, reservation := range page.Reservations {
			for _, instance := range reservation.Instances {
				if host := hostOf(instance); found == nil || host.before(*found) {
					found = &host
				}
			}
		}
	}
	if found == nil {
		return Host{}, fmt.Errorf("find the host of %s in account %s, %s: %w; create it with pulumi up --refresh --stack %s",
			s.Tag(), s.Account, s.Region, ErrNoHost, s.Name)
	}
	return *found, nil
}

func hostOf(instance ec2types.Instance) Host {
	host := Host{
		InstanceID: aws.ToString(instance.InstanceId), PublicIP: aws.ToString(instance.PublicIpAddress),
		Launched: aws.ToTime(instance.LaunchTime), Instance: instance,
	}
	if instance.State != nil {
		host.State = string(instance.State.Name)
	}
	return host
}

// before reports whether h is the host rather than other.
func (h Host) before(other Host) bool {
	if running := h.State == "running"; running != (other.State == "running") {
		return running
	}
	return h.Launched.After(other.Launched)
}

// Reachable finds the stack's host and makes sure that commands and sessions can reach it now.
func (s *Stack) Reachable(ctx context.Context) (Host, error) {
	host, err := s.Host(ctx)
	if err != nil {
		return Host{}, err
	}
	doing := "reach the host " + host.InstanceID
	switch host.State {
	case "running":
	case "stopped":
		return Host{}, fmt.Errorf("%s: it is stopped; start it with aws ec2 start-instances --region %s --instance-ids %s",
			doing, s.Region, host.InstanceID)
	default:
		return Host{}, fmt.Errorf("%s: it is %s; try again in a minute", doing, host.State)
	}
	agent, err := s.agent(ctx, host.InstanceID)
	if err != nil {
		return Host{}, err
	}
	if wrong := s.unreachable(host, agent); wrong != "" {
		return Host{}, fmt.Errorf("%s: %s", doing, wrong)
	}
	return host, nil
}

// agent returns what Systems Manager knows about an instance's agent, nil if the agent never registered.
func (s *Stack) agent(ctx context.Context, instance string) (*ssmtypes.InstanceInformation, error) {
	list, err := s.ssm.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{
		Filters: []ssmtypes.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: []string{instance}}},
	})
	if err != nil {
		return nil, Explain("ask Systems Manager about the host "+instance, err)
	}
	for _, info := range list.InstanceInformationList {
		if aws.ToString(info.InstanceId) == instance {
			return &info, nil
		}
	}
	return nil, nil
}

// unreachable says why Systems Manager cannot reach a running host and what to do, "" if it can.
func (s *Stack) unreachable(host Host, agent *ssmtypes.InstanceInformation) string {
	switch {
	case agent == nil:
		return fmt.Sprintf("its agent has not registered with Systems Manager (started %s ago); that takes a few minutes "+
			"after a start; if it takes longer: aws ec2 get-console-output --region %s --instance-id %s --latest",
			Ago(time.Since(host.Launched)), s.Region, host.InstanceID)
	case agent.PingStatus != ssmtypes.PingStatusOnline:
		return fmt.Sprintf("Systems Manager has not heard from its agent for %s (%s); if that does not change: "+
			"aws ec2 reboot-instances --region %s --instance-ids %s",
			Ago(time.Since(aws.ToTime(agent.LastPingDateTime))), agent.PingStatus, s.Region, host.InstanceID)
	}
	return ""
}

// Ago formats a duration as precisely as a reader needs.
func Ago(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= time.Hour && d.Truncate(time.Minute)%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return d.Round(time.Second).String()
}
