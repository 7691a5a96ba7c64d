package stack

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"webstack/internal/golden"
	"webstack/internal/pulumitest"
)

// TestGraph compares all that the program registers with the golden file of the shape.
func TestGraph(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, r *pulumitest.Recorder) {
		r.CheckShape(t)
		golden.Compare(t, r.Dump(t), ".json")
	})
}

func TestEveryFailureSurfaces(t *testing.T) {
	t.Parallel()
	all := everything()
	pulumitest.CheckFailures(t, Program(all.program(t)), all.options())
	local := fromFile(t, "local")
	pulumitest.CheckFailures(t, Program(local.program(t)), local.options())
}

func TestBadConfigRegistersNothing(t *testing.T) {
	t.Parallel()
	bad := everything().with(
		"webstack:bogus", "1", "webstack:vpcCidr", "10.0.0.0/8", "aws:region", "", "aws:token", "x",
		"webstack:apps", `{"postgres": {"domain": "*.example.com", "zone": "example.com", "containerPort": 0}}`,
		"webstack:appEnvPlain", "", "webstack:appEnvSecure", "", "webstack:activeApp", "")
	bad.secretKeys = []string{"webstack:postgresPassword"}
	r, err := pulumitest.Run(Program(bad.program(t)), bad.options())
	if err == nil {
		t.Fatal("the config is taken")
	}
	for _, found := range r.All() {
		if found.Type != "pulumi:pulumi:Stack" {
			t.Errorf("%s %s is registered", found.Type, found.Name)
		}
	}
	if len(r.Calls()) > 0 {
		t.Errorf("AWS is asked: %v", r.Calls())
	}
	last := -1
	for _, problem := range []string{
		"read the config of stack prod:", "apps.postgres: ", "apps.postgres.containerPort: ", "apps.postgres.domain: ",
		"aws:region: is missing", "aws:token: is not passed to the provider", "bogus: is not a key",
		"cloudflare:apiToken: is not encrypted", "vpcCidr: ",
	} {
		at := strings.Index(err.Error(), problem)
		if at <= last {
			t.Errorf("%q is missing or out of order in:\n%v", problem, err)
		}
		last = at
	}
}

func TestHostProgramThatDoesNotBuild(t *testing.T) {
	t.Parallel()
	s := shapes(t)["minimal"]
	o := s.program(t)
	o.BuildHost = func(_ context.Context, _, arch string) (string, error) {
		return "", errors.New("no compiler for " + arch)
	}
	pulumitest.CheckRefused(t, Program(o), s.options(), "build the host program: no compiler for arm64")
}

// TestTooFewZones runs in a region where one zone only offers the instance type.
func TestTooFewZones(t *testing.T) {
	t.Parallel()
	s := shapes(t)["minimal"]
	options := s.options()
	options.Invokes["aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"] = func(
		resource.PropertyMap,
	) resource.PropertyMap {
		zone := resource.NewProperty("us-east-1b")
		return resource.PropertyMap{"locations": resource.NewProperty([]resource.PropertyValue{zone})}
	}
	pulumitest.CheckRefused(t, Program(s.program(t)), options,
		"find 2 availability zones of us-east-1 that offer t4g.small: there are 1; set webstack:instanceType to a type")
}

// TestHostStaysInItsZone changes to a type that the zone of the data volume does not offer. EC2 would stop the host first
// and refuse then.
func TestHostStaysInItsZone(t *testing.T) {
	t.Parallel()
	s := shapes(t)["minimal"]
	options := s.options()
	options.Outputs = func(r pulumitest.Resource) resource.PropertyMap {
		out := pulumitest.AWSOutputs(r)
		if r.Type == "aws:ec2/subnet:Subnet" {
			out["availabilityZone"] = resource.NewProperty("us-east-1b")
		}
		return out
	}
	r, err := pulumitest.Run(Program(s.program(t)), options)
	if err == nil || !strings.Contains(err.Error(), "place the host in us-east-1b, where its data volume is: t4g.small is "+
		"only offered in us-east-1a, us-east-1e; set webstack:instanceType") {
		t.Errorf("got %v", err)
	}
	r.Count(t, "aws:ec2/instance:Instance", 0)
}

// TestAssociationWaitsForTheHost reads what must exist before the host is told anything.
func TestAssociationWaitsForTheHost(t *testing.T) {
	t.Parallel()
	r := everything().run(t)
	before := strings.Join(r.One(t, "aws:ssm/association:Association", "webstack-prod-converge").Request.GetDependencies(),
		"\n") + "\n"
	for _, token := range []string{
		"aws:ec2/instance:Instance", "aws:ec2/volumeAttachment:VolumeAttachment",
		"aws:iam/rolePolicy:RolePolicy::webstack-prod\n", "aws:iam/rolePolicyAttachment:RolePolicyAttachment::webstack-prod-ssm",
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment::webstack-prod-certificates-1",
	} {
		if !strings.Contains(before, token) {
			t.Errorf("the association does not wait for %s", token)
		}
	}
}

// TestFailedLookupSurfaces leaves out one answer after the other.
func TestFailedLookupSurfaces(t *testing.T) {
	t.Parallel()
	for token, text := range map[string]string{
		"aws:index/getCallerIdentity:getCallerIdentity":             "look up the AWS account",
		"aws:index/getAvailabilityZones:getAvailabilityZones":       "look up the availability zones of us-east-1",
		"aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": "look up which zones of us-east-1 offer t4g.small",
		"aws:ssm/getParameter:getParameter":                         "or set webstack:amiId",
	} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			s := shapes(t)["minimal"]
			options := s.options()
			delete(options.Invokes, token)
			pulumitest.CheckRefused(t, Program(s.program(t)), options, text)
		})
	}
}

// TestLookupsAskForTheRightThing looks at what the lookups send.
func TestLookupsAskForTheRightThing(t *testing.T) {
	t.Parallel()
	asked := map[string]resource.PropertyMap{}
	for _, call := range shapes(t)["minimal"].run(t).Calls() {
		asked[call.Token] = call.Args
	}
	image := asked["aws:ssm/getParameter:getParameter"]["name"]
	const want = "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id"
	if image.StringValue() != want {
		t.Errorf("the image is looked up as %v, want %s", image, want)
	}
	if _, asksForState := asked["aws:index/getAvailabilityZones:getAvailabilityZones"]["state"]; asksForState {
		t.Error("the zones' present state decides where the network is")
	}
	offers := asked["aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"]
	if offers["locationType"].StringValue() != "availability-zone" {
		t.Errorf("offerings are looked up by %v", offers["locationType"])
	}
}
