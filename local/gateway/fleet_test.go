package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/local/machine"
	"webstack/local/moto"
	"webstack/local/runcommand/machinetest"
)

// rig is an account whose instances run as far as tests need, and whose time the test sets.
type rig struct {
	t        *testing.T
	gateway  *Gateway
	machines *machinetest.Machines
	clock    *clock
	ssm      *ssm.Client
	ec2      *ec2.Client
	endpoint string
	// end stops the account and returns when nothing of it is running.
	end func()
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		t: t, machines: machinetest.New(t.TempDir()), clock: &clock{now: time.Date(2026, 5, 4, 12, 10, 0, 0, time.UTC)},
	}
	r.gateway = New(owned(Options{Log: &safeBuffer{}, Machines: r.machines, Now: r.clock.Now}))
	r.gateway.to, r.gateway.moto.Transport = account.gateway.to, account.gateway.to // one call at a time
	server := httptest.NewServer(r.gateway)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.gateway.Run(ctx)
	}()
	r.end = func() {
		stop()
		<-done
	}
	t.Cleanup(func() {
		server.Close()
		r.end()
	})
	r.endpoint = server.URL
	r.ssm, r.ec2 = ssm.NewFromConfig(r.config("us-east-1")), ec2.NewFromConfig(r.config("us-east-1"))
	return r
}

func (r *rig) config(region string) aws.Config {
	c := config()
	c.BaseEndpoint, c.Region = &r.endpoint, region
	return c
}

// pass lets time pass.
func (r *rig) pass(d time.Duration) {
	r.clock.mu.Lock()
	r.clock.now = r.clock.now.Add(d)
	r.clock.mu.Unlock()
	r.gateway.fleet.wake()
}

// launch runs an instance with a tag "stack", and the machine of it.
func (r *rig) launch(stack string) string {
	r.t.Helper()
	id := r.launchOnly(stack)
	r.boot(id)
	return id
}

// launchOnly runs an instance that boots no machine, with a role that may do everything.
func (r *rig) launchOnly(stack string) string {
	r.t.Helper()
	return r.launchWith(stack, profile(r.t, newRole(r.t, everything)))
}

const everything = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`

// newRole makes a role for instances with one policy, named "all".
func newRole(t *testing.T, policy string) string {
	t.Helper()
	role := unique()
	ask(iamClient().CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &role, AssumeRolePolicyDocument: aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
			"Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]}`),
	})).must(t)
	ask(iamClient().PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: aws.String("all"), PolicyDocument: &policy,
	})).must(t)
	return role
}

// profile makes an instance profile for a role, of the same name.
func profile(t *testing.T, role string) string {
	t.Helper()
	ask(iamClient().CreateInstanceProfile(t.Context(), &iam.CreateInstanceProfileInput{InstanceProfileName: &role})).must(t)
	ask(iamClient().AddRoleToInstanceProfile(t.Context(), &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: &role, RoleName: &role,
	})).must(t)
	return role
}

// launchWith runs an instance that boots no machine.
func (r *rig) launchWith(stack, profile string) string {
	r.t.Helper()
	out := ask(ec2.NewFromConfig(config()).RunInstances(r.t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(moto.Image("arm64")), InstanceType: ec2types.InstanceTypeT4gSmall,
		IamInstanceProfile: &ec2types.IamInstanceProfileSpecification{Name: &profile},
		MinCount:           aws.Int32(1), MaxCount: aws.Int32(1), TagSpecifications: []ec2types.TagSpecification{{
			ResourceType: ec2types.ResourceTypeInstance,
			Tags:         []ec2types.Tag{{Key: aws.String("stack"), Value: &stack}},
		}},
	})).must(r.t)
	return *out.Instances[0].InstanceId
}

func (r *rig) boot(id string) {
	r.t.Helper()
	if err := r.machines.Boot(r.t.Context(), machine.Spec{InstanceID: id}); err != nil {
		r.t.Fatal(err)
	}
	r.gateway.fleet.online(r.t.Context(), "us-east-1", id) // its agent registers
	r.gateway.fleet.wake()
}

// step returns a step of a document that runs lines, with other inputs.
func step(name, lines string, inputs ...any) map[string]any {
	all := map[string]any{"runCommand": strings.Split(lines, "\n")}
	for i := 0; i < len(inputs); i += 2 {
		all[inputs[i].(string)] = inputs[i+1]
	}
	return map[string]any{"action": "aws:runShellScript", "name": name, "inputs": all}
}

// content returns a document with a parameter "word".
func content(t *testing.T, steps ...map[string]any) *string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"schemaVersion": "2.2", "mainSteps": steps,
		"parameters": map[string]any{"word": map[string]any{
			"type": "String", "default": "hello", "allowedPattern": "^[a-z]{1,10}$",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.String(string(text))
}

// document makes a document.
func (r *rig) document(steps ...map[string]any) *string {
	r.t.Helper()
	name := unique()
	ask(r.ssm.CreateDocument(r.t.Context(), &ssm.CreateDocumentInput{
		Name: &name, Content: content(r.t, steps...), DocumentType: types.DocumentTypeCommand,
	})).must(r.t)
	return &name
}

// log is a document whose runs write their word to a file of the machine.
func (r *rig) logging() *string { return r.document(step("write", `echo {{ word }} >> "$ROOT/log"`)) }

// lines returns what such runs wrote.
func (r *rig) lines(id string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.machines.Root(id), "log"))
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// eventually waits until get returns the wanted value.
func eventually[T comparable](t *testing.T, want T, get func() T) {
	t.Helper()
	var got T
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got = get(); got == want {
			return
		}
	}
	t.Fatalf("got %v, wanted %v", got, want)
}

// beats makes the account check several times whether something is due.
func (r *rig) beats() {
	r.t.Helper()
	for range 3 {
		r.gateway.fleet.beaten(r.t)
	}
}

// beaten wakes the fleet and waits until it has looked.
func (f *fleet) beaten(t *testing.T) {
	t.Helper()
	select {
	case f.wakeUp <- struct{}{}:
	case <-time.After(30 * time.Second):
		t.Fatal("the fleet does not look")
	}
	eventually(t, 0, func() int { return len(f.wakeUp) })
}

// send sends a command.
func (r *rig) send(in *ssm.SendCommandInput) *types.Command {
	r.t.Helper()
	return ask(r.ssm.SendCommand(r.t.Context(), in)).must(r.t).Command
}

// ended waits for the end of a command on a machine and returns the step of that name.
func (r *rig) ended(command, id, step string) *ssm.GetCommandInvocationOutput {
	r.t.Helper()
	in := &ssm.ListCommandInvocationsInput{CommandId: &command, InstanceId: &id}
	eventually(r.t, true, func() bool {
		found := ask(r.ssm.ListCommandInvocations(r.t.Context(), in)).must(r.t).CommandInvocations
		status := found[0].Status
		return status != types.CommandInvocationStatusPending && status != types.CommandInvocationStatusInProgress &&
			status != types.CommandInvocationStatusCancelling
	})
	return r.step(command, id, step)
}

func (r *rig) step(command, id, step string) *ssm.GetCommandInvocationOutput {
	r.t.Helper()
	in := &ssm.GetCommandInvocationInput{CommandId: &command, InstanceId: &id}
	if step != "" {
		in.PluginName = &step
	}
	return ask(r.ssm.GetCommandInvocation(r.t.Context(), in)).must(r.t)
}

// stands returns how a step ended, in short.
func stands(s *ssm.GetCommandInvocationOutput) string {
	return fmt.Sprintf("%s/%s %d", s.Status, *s.StatusDetails, s.ResponseCode)
}
