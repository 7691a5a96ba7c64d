package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/internal/operate"
	"webstack/internal/tooltest"
)

// patience is how long anything on a host may take: far longer than it does, in case the computer is busy.
const patience = 5 * time.Minute

// NewHosted returns a clone whose stack is up, on a host that boots, with demo releases of the sample apps. If hosts
// cannot run, it skips the test and says why.
func NewHosted(tb testing.TB) *Clone {
	tb.Helper()
	return newHosted(tb, NewClone(tb))
}

// NewHostedWith is NewHosted with another stack file: edit changes the sample's before the stack is brought up.
func NewHostedWith(tb testing.TB, edit func(text string) string) *Clone {
	tb.Helper()
	c := NewClone(tb)
	c.Edit("Pulumi.local.yaml", edit)
	return newHosted(tb, c)
}

func newHosted(tb testing.TB, c *Clone) *Clone {
	tb.Helper()
	c.hosts = true
	c.MustLaptop("up")
	c.skipWithoutHosts()
	return c
}

func (c *Clone) skipWithoutHosts() {
	c.tb.Helper()
	var info struct {
		NoHosts string `json:"noHosts"`
	}
	if err := json.Unmarshal([]byte(c.Read(".webstack/run/cloud.json")), &info); err != nil {
		c.tb.Fatal(err)
	}
	if info.NoHosts != "" {
		tooltest.Missing(c.tb, "no hosts can run here: %s", info.NoHosts)
	}
}

// Eventually retries until there is no error, and fails the test with the last error if that takes too long.
func (c *Clone) Eventually(what string, ask func(ctx context.Context) error) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(c.tb.Context(), patience)
	defer cancel()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			c.tb.Fatalf("%s: %v", what, err)
		}
	}
}

// Host returns the id and the public address of the stack's running host.
func (c *Clone) Host() (id, address string) {
	c.tb.Helper()
	out, err := ec2.NewFromConfig(c.AWS()).DescribeInstances(c.tb.Context(), &ec2.DescribeInstancesInput{
		Filters: []types.Filter{
			{Name: aws.String("tag-key"), Values: []string{"webstack:stack"}},
			{Name: aws.String("instance-state-name"), Values: []string{"running"}},
		},
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	if len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		c.tb.Fatalf("want one running host, found %d", len(out.Reservations))
	}
	instance := out.Reservations[0].Instances[0]
	return aws.ToString(instance.InstanceId), aws.ToString(instance.PublicIpAddress)
}

// DialHost connects to a host's address at the port of whatever name is asked for, as if all names led there.
func DialHost(address string) func(ctx context.Context, network, name string) (net.Conn, error) {
	return func(ctx context.Context, network, name string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(name)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, port))
	}
}

// Result is how a script on the host ended.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// TryOnHost runs a bash script on the host by Run Command and returns how it ended.
func (c *Clone) TryOnHost(script string) Result {
	c.tb.Helper()
	id, _ := c.Host()
	ctx, cancel := context.WithTimeout(c.tb.Context(), patience)
	defer cancel()
	ran, err := c.operated().Run(ctx, operate.Command{
		Host: id, Document: "AWS-RunShellScript",
		Parameters: map[string]string{"commands": "#!/bin/bash\nset -Eeuo pipefail\n" + script},
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	if len(ran.Steps) != 1 {
		c.tb.Fatalf("the document has %d steps, want 1", len(ran.Steps))
	}
	return Result{ran.Steps[0].Stdout, ran.Steps[0].Stderr, ran.Steps[0].ExitCode}
}

// operated returns the clone's stack as the operator's commands see it.
func (c *Clone) operated() *operate.Stack {
	c.tb.Helper()
	config := c.AWS()
	stack, err := operate.Open(c.tb.Context(), operate.Options{
		Dir: c.Dir, Stack: Stack, Endpoint: aws.ToString(config.BaseEndpoint), Credentials: config.Credentials,
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	return stack
}

// OnHost is TryOnHost for scripts that must succeed; it returns their output.
func (c *Clone) OnHost(script string) string {
	c.tb.Helper()
	result := c.TryOnHost(script)
	if result.Code != 0 {
		c.tb.Fatalf("script on the host: exit %d\n%s\n%s\n%s", result.Code, script, result.Stdout, result.Stderr)
	}
	return result.Stdout
}

// Converge runs the association that converges the host, and returns whether it succeeded, and its output.
func (c *Clone) Converge() (ok bool, printed string) {
	c.tb.Helper()
	client := ssm.NewFromConfig(c.AWS())
	id, before := c.convergeExecutions(client)
	_, err := client.StartAssociationsOnce(c.tb.Context(), &ssm.StartAssociationsOnceInput{AssociationIds: []string{id}})
	if err != nil {
		c.tb.Fatal(err)
	}
	var ended ssmtypes.AssociationExecution
	c.Eventually("converge", func(context.Context) error {
		_, after := c.convergeExecutions(client)
		for _, execution := range after {
			isNew := !slices.ContainsFunc(before, func(old ssmtypes.AssociationExecution) bool {
				return aws.ToString(old.ExecutionId) == aws.ToString(execution.ExecutionId)
			})
			status := aws.ToString(execution.Status)
			if isNew && status != "Pending" && status != "InProgress" {
				ended = execution
				return nil
			}
		}
		return errors.New("it has not ended")
	})
	return aws.ToString(ended.Status) == "Success", c.printed(client, id, aws.ToString(ended.ExecutionId))
}

// MustConverge is Converge, which must succeed.
func (c *Clone) MustConverge() string {
	c.tb.Helper()
	ok, printed := c.Converge()
	if !ok {
		c.tb.Fatalf("converge failed:\n%s", printed)
	}
	return printed
}

func (c *Clone) convergeExecutions(client *ssm.Client) (id string, executions []ssmtypes.AssociationExecution) {
	c.tb.Helper()
	list, err := client.ListAssociations(c.tb.Context(), &ssm.ListAssociationsInput{})
	if err != nil {
		c.tb.Fatal(err)
	}
	for _, association := range list.Associations {
		if strings.HasSuffix(aws.ToString(association.Name), "-converge") {
			id = aws.ToString(association.AssociationId)
		}
	}
	out, err := client.DescribeAssociationExecutions(c.tb.Context(), &ssm.DescribeAssociationExecutionsInput{
		AssociationId: aws.String(id),
	})
	if err != nil {
		c.tb.Fatalf("list the runs of association %q: %v", id, err)
	}
	return id, out.AssociationExecutions
}

// printed returns the output of all steps of an association's run.
func (c *Clone) printed(client *ssm.Client, association, execution string) string {
	c.tb.Helper()
	targets, err := client.DescribeAssociationExecutionTargets(c.tb.Context(), &ssm.DescribeAssociationExecutionTargetsInput{
		AssociationId: aws.String(association), ExecutionId: aws.String(execution),
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	var all bytes.Buffer
	for _, target := range targets.AssociationExecutionTargets {
		for _, step := range []string{"volume", "docker", "converge"} {
			out, err := client.GetCommandInvocation(c.tb.Context(), &ssm.GetCommandInvocationInput{
				CommandId: target.OutputSource.OutputSourceId, InstanceId: target.ResourceId, PluginName: aws.String(step),
			})
			if err != nil {
				c.tb.Fatal(err)
			}
			all.WriteString(aws.ToString(out.StandardOutputContent) + aws.ToString(out.StandardErrorContent))
		}
	}
	return all.String()
}

// CA returns the certificate of the authority that issued the apps' certificates, in PEM.
func (c *Clone) CA() []byte {
	c.tb.Helper()
	pem, err := os.ReadFile(c.path(".webstack/run/ca.crt"))
	if err != nil {
		c.tb.Fatal(err)
	}
	return pem
}
