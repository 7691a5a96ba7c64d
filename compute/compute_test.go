package compute

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/golden"
	"webstack/internal/pulumitest"
)

func args(edits ...func(*Args)) *Args {
	out := &Args{
		Project: "webstack", Stack: "test", NamePrefix: "webstack-test",
		Region: pulumitest.Region, AccountID: pulumitest.AccountID,
		InstanceType: "t4g.small", Generation: "arm64", AmiID: "ami-1", UserData: "#!/bin/sh\n",
		RootVolumeSize: 16, DataVolumeSize: 20,
		VpcID: pulumi.String("vpc-1"), SubnetID: pulumi.String("subnet-1"),
		AvailabilityZone: pulumi.String("us-east-1a"),
		Access: Access{
			KmsKeyArn: pulumi.String("arn:key"), ArtifactsBucketArn: pulumi.String("arn:aws:s3:::artifacts"),
			Apps: []string{"blog", "shop"},
		},
	}
	for _, edit := range edits {
		edit(out)
	}
	return out
}

func program(args *Args, names ...string) pulumi.RunFunc {
	return pulumitest.Component(New, args, []pulumitest.Provider{pulumitest.AWS}, names...)
}

func everything(a *Args) {
	a.UseEip, a.EnableIPv6, a.SSHAllowedCidr = true, true, "203.0.113.0/28"
	a.Access.BackupBucketArn = pulumi.String("arn:aws:s3:::backups")
}

var options = pulumitest.Options{Outputs: pulumitest.AWSOutputs}

func TestCompute(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]*Args{"plain": args(), "everything": args(everything)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pulumitest.EachRun(t, program(args, "host"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
				recorder.CheckShape(t)
				golden.Compare(t, recorder.Dump(t), ".json")
			})
		})
	}
}

func TestHostIsNotReplacedByItself(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "host"), options)
	host := recorder.One(t, "aws:ec2/instance:Instance", "host-arm64").Request
	for _, property := range []string{"ami", "userData", "associatePublicIpAddress", "keyName"} {
		if !strings.Contains(strings.Join(host.GetIgnoreChanges(), " "), property) {
			t.Errorf("a change of %s may replace the host", property)
		}
	}
	if !host.GetDeleteBeforeReplace() {
		t.Error("a new host is made while the old one holds the data volume")
	}
}

func TestDataVolumeOutlivesTheHost(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(everything), "host"), options)
	volume := recorder.One(t, "aws:ebs/volume:Volume", "host-data").Request
	if !volume.GetProtect() || !volume.GetRetainOnDelete() {
		t.Error("the data volume is not protected and retained")
	}
	if dependencies := volume.GetDependencies(); len(dependencies) > 0 {
		t.Errorf("a replacement of %v touches the data volume", dependencies)
	}
	for _, token := range []string{"aws:ec2/volumeAttachment:VolumeAttachment", "aws:ec2/eipAssociation:EipAssociation"} {
		for _, tie := range recorder.ByType(token) {
			if !tie.Request.GetDeleteBeforeReplace() {
				t.Errorf("%s is made for a new host while the old one has it", token)
			}
		}
	}
}

// Another generation is another resource, so its image is not the old host's, which is kept by ignoring changes.
func TestGenerationIsAHostOfItsOwn(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(func(a *Args) {
		a.Generation, a.InstanceType, a.AmiID = "amd64", "t3.small", "ami-2"
	}), "host"), options)
	if got := recorder.One(t, "aws:ec2/instance:Instance", "host-amd64").Text("ami"); got != "ami-2" {
		t.Errorf("the host of another architecture has image %s", got)
	}
}

// A host keeps the addresses that it was launched with, but for an Elastic IP, which a running host is given.
func TestAddressesBelongToTheHost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit    func(*Args)
		aliases []string
	}{
		"host-arm64":          {func(*Args) {}, nil},
		"host-arm64-eip":      {func(a *Args) { a.UseEip = true }, []string{"host-arm64"}},
		"host-arm64-ipv6":     {func(a *Args) { a.EnableIPv6 = true }, nil},
		"host-arm64-ipv6-eip": {func(a *Args) { a.UseEip, a.EnableIPv6 = true, true }, []string{"host-arm64-ipv6"}},
	} {
		recorder := pulumitest.MustRun(t, program(args(test.edit), "host"), options)
		host := recorder.One(t, "aws:ec2/instance:Instance", name)
		if !slices.Equal(host.Aliases(), test.aliases) {
			t.Errorf("%s may have been %v, want %v", name, host.Aliases(), test.aliases)
		}
	}
}

// An agent that may do nothing when it starts sleeps for half an hour.
func TestHostWaitsForItsRights(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "host"), options)
	before := recorder.One(t, "aws:ec2/instance:Instance", "host-arm64").Request.GetDependencies()
	rights := append(recorder.ByType("aws:iam/rolePolicy:RolePolicy"),
		recorder.ByType("aws:iam/rolePolicyAttachment:RolePolicyAttachment")...)
	if len(rights) != 3 {
		t.Errorf("%d policies", len(rights))
	}
	for _, right := range rights {
		if !slices.ContainsFunc(before, func(urn string) bool {
			return strings.HasSuffix(urn, right.Type+"::"+right.Name)
		}) {
			t.Errorf("the host does not wait for %s", right.Name)
		}
	}
}

func TestPort22(t *testing.T) {
	t.Parallel()
	for cidr, want := range map[string]string{"": "", "203.0.113.0/28": "cidrIpv4", "2001:db8::/64": "cidrIpv6"} {
		recorder := pulumitest.MustRun(t, program(args(func(a *Args) { a.SSHAllowedCidr = cidr }), "host"), options)
		got := ""
		for _, rule := range recorder.ByType("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") {
			if rule.Input("fromPort").NumberValue() != 22 {
				continue
			}
			for _, key := range []string{"cidrIpv4", "cidrIpv6"} {
				if rule.Text(key) == cidr {
					got = key
				}
			}
		}
		if got != want {
			t.Errorf("port 22 for %q is opened by %q, want %q", cidr, got, want)
		}
	}
}

func TestOnlyBurstableTypesHaveCredits(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{"t4g.small": true, "m7g.large": false} {
		recorder := pulumitest.MustRun(t, program(args(func(a *Args) { a.InstanceType = kind }), "host"), options)
		host := recorder.One(t, "aws:ec2/instance:Instance", "host-arm64")
		if got := !host.Input("creditSpecification").IsNull(); got != want {
			t.Errorf("%s with credits: %v", kind, got)
		}
	}
}

// policy is a policy document as IAM reads it.
type policy struct {
	Statement []struct {
		Sid              string
		Action, Resource []string
	}
}

func TestRoleStaysWithinIAMsLimits(t *testing.T) {
	t.Parallel()
	many := args(everything, func(a *Args) {
		a.Access.Apps = nil
		for i := range 200 {
			a.Access.Apps = append(a.Access.Apps, fmt.Sprintf("app-with-quite-a-long-name-%03d", i))
		}
	})
	recorder := pulumitest.MustRun(t, program(many, "host"), options)
	inline := recorder.One(t, "aws:iam/rolePolicy:RolePolicy", "host").Text("policy")
	if len(inline) > 10240 {
		t.Errorf("the inline policy has %d characters, IAM takes 10240", len(inline))
	}
	certificates := recorder.ByType("aws:iam/policy:Policy")
	if len(certificates) > 9 {
		t.Errorf("%d policies: IAM attaches 10 to a role", len(certificates))
	}
	apps := 0
	for _, one := range certificates {
		text := one.Text("policy")
		if len(text) > 6144 {
			t.Errorf("%s has %d characters, IAM takes 6144", one.Name, len(text))
		}
		var document policy
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		apps += len(document.Statement[0].Resource)
	}
	if apps != 200 {
		t.Errorf("the host may read the certificates of %d apps", apps)
	}
}

// A star stands only where the API knows no resource.
func TestRoleNamesItsResources(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(everything), "host"), options)
	var document policy
	text := recorder.One(t, "aws:iam/rolePolicy:RolePolicy", "host").Text("policy")
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	for _, statement := range document.Statement {
		for _, resource := range statement.Resource {
			if resource == "*" && strings.Join(statement.Action, " ") != "ecr:GetAuthorizationToken" {
				t.Errorf("%s is allowed on everything", statement.Sid)
			}
		}
		for _, action := range statement.Action {
			if strings.Contains(action, "*") || strings.Contains(action, "Delete") {
				t.Errorf("%s allows %s", statement.Sid, action)
			}
		}
	}
}

func TestTwoHostsInOneProgram(t *testing.T) {
	t.Parallel()
	pulumitest.MustRun(t, program(args(everything), "one", "two"), options).CheckShape(t)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) {
		a.UserData, a.SSHAllowedCidr, a.RootVolumeSize = strings.Repeat("x", MaxUserData+1), "everywhere", 4
	})
	pulumitest.CheckRefused(t, program(bad, "host"), options, "16385 bytes: EC2 accepts at most 16384",
		`open port 22 to "everywhere": give a network address`, "volumes of 4 and 20 GiB")
	inside := args(func(a *Args) { a.SSHAllowedCidr, a.AmiID = "203.0.113.7/24", "" })
	pulumitest.CheckRefused(t, program(inside, "host"), options, `open port 22 to "203.0.113.7/24"`, `image ""`)
	crowded := args(func(a *Args) { a.Access.Apps = make([]string, maxApps+1) })
	pulumitest.CheckRefused(t, program(crowded, "host"), options, "541 apps: IAM attaches 10 policies")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(everything), "host"), options)
}
