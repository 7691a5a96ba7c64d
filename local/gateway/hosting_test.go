package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"webstack/local/machine"
	"webstack/local/moto"
	"webstack/local/registry"
)

// recorder are machines that record what is done to them.
type recorder struct {
	machine.Machines // what is not overridden is not called
	mu               sync.Mutex
	events           []string
	specs            map[string]machine.Spec
	// fail makes a kind of event fail.
	fail map[string]error
	// slow is waited for by Boot; nil boots at once.
	slow chan struct{}
}

func (r *recorder) note(kind, format string, args ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, kind+" "+fmt.Sprintf(format, args...))
	return r.fail[kind]
}

func (r *recorder) Boot(ctx context.Context, spec machine.Spec) error {
	if r.slow != nil {
		select {
		case <-r.slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.mu.Lock()
	r.specs[spec.InstanceID] = spec
	r.mu.Unlock()
	return r.note("boot", "%s", spec.InstanceID)
}

func (r *recorder) Stop(_ context.Context, id string) error   { return r.note("stop", "%s", id) }
func (r *recorder) Start(_ context.Context, id string) error  { return r.note("start", "%s", id) }
func (r *recorder) Reboot(_ context.Context, id string) error { return r.note("reboot", "%s", id) }
func (r *recorder) Terminate(_ context.Context, id string) error {
	return r.note("terminate", "%s", id)
}
func (r *recorder) Running(context.Context, string) bool { return false }

func (r *recorder) SetMetadata(_ context.Context, id string, o machine.MetadataOptions) error {
	return r.note("metadata", "%s %t %t %d", id, o.Enabled, o.TokenRequired, o.HopLimit)
}

func (r *recorder) SetRole(_ context.Context, id, role string) error {
	return r.note("role", "%s %s", id, role)
}

func (r *recorder) Expose(_ context.Context, id, address string) error {
	return r.note("expose", "%s %s", id, address)
}

func (r *recorder) Attach(_ context.Context, id, volume string, size int) error {
	return r.note("attach", "%s %s %d", id, volume, size)
}

func (r *recorder) Detach(_ context.Context, id, volume string) error {
	return r.note("detach", "%s %s", id, volume)
}

func (r *recorder) DeleteVolume(_ context.Context, volume string) error {
	return r.note("delete", "%s", volume)
}

// about returns the events that have the word.
func (r *recorder) about(word string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.events), func(event string) bool { return !strings.Contains(event, word) })
}

// lab is an account with recorded machines and registries, behind a gateway of its own.
type lab struct {
	t        *testing.T
	gateway  *Gateway
	machines *recorder
	problems *safeBuffer
	clock    *clock
	endpoint string
	ec2      *ec2.Client
	iam      *iam.Client
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{
		t: t, problems: &safeBuffer{}, clock: &clock{now: time.Now()},
		machines: &recorder{specs: map[string]machine.Spec{}, fail: map[string]error{}},
	}
	open := func(name string) *registry.Registry {
		opened := ask(registry.Open(t.TempDir() + "/" + name)).must(t)
		t.Cleanup(func() { _ = opened.Close() })
		return opened
	}
	l.gateway = New(owned(Options{
		Log: io.Discard, Problems: l.problems, Machines: l.machines, Now: l.clock.Now,
		Images: open("ecr"), Hub: open("hub"), HubKey: "key",
	}))
	l.gateway.to, l.gateway.moto.Transport = account.gateway.to, account.gateway.to // one call at a time
	server := httptest.NewServer(l.gateway)
	l.endpoint = server.URL
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = l.gateway.Run(ctx) }()
	t.Cleanup(func() { server.Close(); stop(); <-done })
	l.ec2, l.iam = ec2.NewFromConfig(l.config()), iam.NewFromConfig(l.config())
	return l
}

func (l *lab) config() aws.Config {
	c := config()
	c.BaseEndpoint = &l.endpoint
	return c
}

// launch runs an instance, as changed by change, and waits for its machine.
func (l *lab) launch(change func(*ec2.RunInstancesInput)) string {
	l.t.Helper()
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(testImage()), InstanceType: types.InstanceTypeT4gSmall,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	}
	if change != nil {
		change(in)
	}
	id := *ask(l.ec2.RunInstances(l.t.Context(), in)).must(l.t).Instances[0].InstanceId
	return id
}

// settle waits until all work on machines is done.
func (l *lab) settle() {
	l.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		q := l.gateway.hosting.queue
		q.mu.Lock()
		left := len(q.last)
		q.mu.Unlock()
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatal("the machines do not become idle")
		}
	}
}

// want waits until the machines are idle and compares what happened to one thing.
func (l *lab) want(about string, events ...string) {
	l.t.Helper()
	l.settle()
	if got := l.machines.about(about); !slices.Equal(got, events) {
		l.t.Errorf("events of %s:\n%s\nwant\n%s", about, strings.Join(got, "\n"), strings.Join(events, "\n"))
	}
}

// profile makes a role with an instance profile of the same name.
func (l *lab) profile(policy string) string {
	l.t.Helper()
	name := l.role(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",`+
		`"Principal":{"Service":"ec2.amazonaws.com"}}}`, policy)
	ask(l.iam.CreateInstanceProfile(l.t.Context(), &iam.CreateInstanceProfileInput{InstanceProfileName: &name})).must(l.t)
	ask(l.iam.AddRoleToInstanceProfile(l.t.Context(),
		&iam.AddRoleToInstanceProfileInput{InstanceProfileName: &name, RoleName: &name})).must(l.t)
	return name
}

// role makes a role with one inline policy, unless it is "".
func (l *lab) role(trust, policy string) string {
	l.t.Helper()
	name := unique()
	ask(l.iam.CreateRole(l.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})).must(l.t)
	if policy != "" {
		l.grant(name, policy)
	}
	return name
}

func (l *lab) grant(role, policy string) {
	l.t.Helper()
	if !json.Valid([]byte(policy)) {
		l.t.Fatalf("policy %s", policy)
	}
	ask(l.iam.PutRolePolicy(l.t.Context(), &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: aws.String("test"), PolicyDocument: &policy})).must(l.t)
}

func TestAMachineIsBootedAsItsInstanceIs(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	name := l.profile("")
	id := l.launch(func(in *ec2.RunInstancesInput) {
		in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")))
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: &name}
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(1)}
	})
	l.settle()
	got := l.machines.specs[id]
	private := *l.described(id).PrivateIpAddress
	want := machine.Spec{
		InstanceID: id, AccountID: "123456789012", Region: "us-east-1", AvailabilityZone: got.AvailabilityZone,
		InstanceType: "t4g.small", ImageID: testImage(), PrivateIP: private, UserData: []byte("#!/bin/sh\n"), RoleName: name,
		Metadata: machine.MetadataOptions{Enabled: true, TokenRequired: true, HopLimit: 1},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || !strings.HasPrefix(got.AvailabilityZone, "us-east-1") {
		t.Errorf("booted as %+v, want %+v", got, want)
	}
}

func (l *lab) described(id string) types.Instance {
	l.t.Helper()
	out := ask(l.ec2.DescribeInstances(l.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})).must(l.t)
	return out.Reservations[0].Instances[0]
}

func TestMachinesFollowTheirInstancesInOrder(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	l.machines.slow = make(chan struct{})
	id := l.launch(nil)
	ids := []string{id}
	ask(l.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids})).must(t)
	ask(l.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids})).must(t)
	ask(l.ec2.RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: ids})).must(t)
	ask(l.ec2.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{
		InstanceId: &id, HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(2)})).must(t)
	ask(l.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})).must(t)
	close(l.machines.slow)
	l.settle()
	events := slices.DeleteFunc(l.machines.about(id), func(e string) bool { return strings.HasPrefix(e, "expose") })
	// Terminated before it was booted, it is not booted at all.
	want := []string{"stop " + id, "start " + id, "reboot " + id, "terminate " + id}
	if !slices.Equal(events[max(0, len(events)-4):], want) {
		t.Errorf("events %q, want %q last", events, want)
	}
}

func TestMetadataOptionsReachTheMachine(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.launch(nil)
	ask(l.ec2.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{
		InstanceId: &id, HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(3),
		HttpEndpoint: types.InstanceMetadataEndpointStateEnabled})).must(t)
	l.settle()
	if got := l.machines.about("metadata " + id); !slices.Equal(got, []string{"metadata " + id + " true true 3"}) {
		t.Errorf("told %q", got)
	}
}

func TestVolumesMoveFromMachineToMachine(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	first, second := l.launch(nil), l.launch(nil)
	zone := l.described(first).Placement.AvailabilityZone
	volume := *ask(l.ec2.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: zone, Size: aws.Int32(5)})).must(t).VolumeId
	attach := func(id string) {
		ask(l.ec2.AttachVolume(ctx, &ec2.AttachVolumeInput{
			InstanceId: &id, VolumeId: &volume, Device: aws.String("/dev/sdf")})).must(t)
	}
	attach(first)
	ask(l.ec2.ModifyVolume(ctx, &ec2.ModifyVolumeInput{VolumeId: &volume, Size: aws.Int32(8)})).must(t)
	ask(l.ec2.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: &volume})).must(t)
	attach(second)
	ask(l.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{second}})).must(t)
	ask(l.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &volume})).must(t)
	l.settle()
	got := l.machines.about(volume)
	if len(got) != 5 || !strings.HasPrefix(got[0], "attach "+first+" "+volume) ||
		got[1] != "attach "+first+" "+volume+" 8" || got[2] != "detach "+first+" "+volume ||
		got[3] != "attach "+second+" "+volume+" 8" || got[4] != "delete "+volume {
		t.Errorf("events %q", got)
	}
	if all := l.machines.about(""); slices.Index(all, "terminate "+second) > slices.Index(all, "delete "+volume) {
		t.Errorf("the volume was deleted before its machine went: %q", all)
	}
}

func TestPublicAddressesAreThisMachines(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	id := l.launch(nil)
	l.settle()
	auto := aws.ToString(l.described(id).PublicIpAddress)
	if !strings.HasPrefix(auto, "127.77.") || !strings.Contains(*l.described(id).PublicDnsName, strings.ReplaceAll(auto, ".", "-")) {
		t.Fatalf("public address %s, name %s", auto, *l.described(id).PublicDnsName)
	}
	elastic := ask(l.ec2.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc})).must(t)
	address := *elastic.PublicIp
	if !strings.HasPrefix(address, "127.77.") || !strings.HasSuffix(address, ".255") {
		t.Errorf("elastic address %s", address)
	}
	ask(l.ec2.AssociateAddress(ctx, &ec2.AssociateAddressInput{InstanceId: &id, AllocationId: elastic.AllocationId})).must(t)
	l.want("expose "+id, "expose "+id+" "+auto, "expose "+id+" "+address)
	for what, in := range map[string]*ec2.DescribeAddressesInput{
		"by address": {PublicIps: []string{address}},
		"by filter":  {Filters: []types.Filter{{Name: aws.String("public-ip"), Values: []string{address}}}},
	} {
		found := ask(l.ec2.DescribeAddresses(ctx, in)).must(t).Addresses
		if len(found) != 1 || aws.ToString(found[0].InstanceId) != id || *found[0].PublicIp != address {
			t.Errorf("%s: %+v", what, found)
		}
	}
	found := ask(l.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("ip-address"), Values: []string{address}}}})).must(t)
	if len(found.Reservations) != 1 {
		t.Errorf("instances by address: %+v", found.Reservations)
	}
	ask(l.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})).must(t)
	left := ask(l.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{PublicIps: []string{address}})).must(t).Addresses
	if left[0].AssociationId != nil || aws.ToString(left[0].InstanceId) != "" {
		t.Errorf("the address stays with a terminated instance: %+v", left[0])
	}
}

func TestSwappingAddressesTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<publicIp>54.214.3.255</publicIp>":       "<publicIp>127.77.3.255</publicIp>",
		"ec2-54-214-3-4.compute-1.amazonaws.com":  "ec2-127-77-3-4.compute-1.amazonaws.com",
		"PublicIp.1=127.77.0.9&Cidr=10.54.214.9":  "PublicIp.1=54.214.0.9&Cidr=10.127.77.9",
		"154.214.1.1 127.7.7.7 54.2144.1.1 54.21": "154.214.1.1 127.7.7.7 54.2144.1.1 54.21",
	} {
		got := swapAddresses([]byte(text))
		if string(got) != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
		if back := swapAddresses(got); string(back) != text {
			t.Errorf("%s came back as %s", text, back)
		}
	}
}

func TestAMachineThatDoesNotBootIsSeen(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.machines.fail["boot"] = errors.New("no space left")
	l.machines.slow = make(chan struct{})
	id := l.launch(nil)
	status := func() types.SummaryStatus {
		out := ask(l.ec2.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})).must(t)
		return out.InstanceStatuses[0].InstanceStatus.Status
	}
	if got := status(); got != types.SummaryStatusInitializing {
		t.Errorf("while it boots: %s", got)
	}
	close(l.machines.slow)
	l.settle()
	if got := status(); got != types.SummaryStatusImpaired {
		t.Errorf("after it failed: %s", got)
	}
	if got := l.problems.String(); !strings.Contains(got, "boot "+id+": no space left") {
		t.Errorf("log: %s", got)
	}
	if got := l.described(id).State.Name; got != types.InstanceStateNameRunning {
		t.Errorf("state %s", got)
	}
	other := newLab(t)
	id = other.launch(nil)
	other.settle()
	out := ask(other.ec2.DescribeInstanceStatus(t.Context(),
		&ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})).must(t)
	if got := out.InstanceStatuses[0].InstanceStatus.Status; got != types.SummaryStatusOk {
		t.Errorf("of one that booted: %s", got)
	}
}

func TestMachinesGetTheRoleOfTheirProfile(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	first, second := l.profile(""), l.profile("")
	id := l.launch(nil)
	l.settle()
	if got := l.machines.specs[id].RoleName; got != "" {
		t.Errorf("booted with role %q", got)
	}
	made := ask(l.ec2.AssociateIamInstanceProfile(ctx, &ec2.AssociateIamInstanceProfileInput{InstanceId: &id,
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: &first}})).must(t)
	association := made.IamInstanceProfileAssociation.AssociationId
	l.want("role "+id, "role "+id+" "+first)
	ask(l.ec2.ReplaceIamInstanceProfileAssociation(ctx, &ec2.ReplaceIamInstanceProfileAssociationInput{
		AssociationId: association, IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: &second}})).must(t)
	l.want("role "+id, "role "+id+" "+first, "role "+id+" "+second)
	ask(l.iam.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
		InstanceProfileName: &second, RoleName: &second})).must(t)
	l.want("role "+id, "role "+id+" "+first, "role "+id+" "+second, "role "+id+" ")
}

func testImage() string { return moto.Image("arm64") }
