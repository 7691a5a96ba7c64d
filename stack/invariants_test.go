package stack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"webstack/internal/pulumitest"
)

const bucketType = "aws:s3/bucketV2:BucketV2"

// TestBucketsArePrivate holds every bucket of every shape to the same rules.
func TestBucketsArePrivate(t *testing.T) {
	t.Parallel()
	eachRealRun(t, func(t *testing.T, r *pulumitest.Recorder) {
		var buckets []string
		for _, bucket := range r.ByType(bucketType) {
			name := bucket.Text("bucket")
			if name == "" {
				name = pulumitest.AWSOutputs(bucket)["bucket"].StringValue()
			}
			buckets = append(buckets, name)
			if !bucket.Input("acl").IsNull() {
				t.Errorf("%s has an ACL", name)
			}
		}
		slices.Sort(buckets)
		for kind, right := range map[string]func(pulumitest.Resource) bool{
			"bucketPublicAccessBlock:BucketPublicAccessBlock": func(p pulumitest.Resource) bool {
				return isTrue(p, "blockPublicAcls") && isTrue(p, "blockPublicPolicy") &&
					isTrue(p, "ignorePublicAcls") && isTrue(p, "restrictPublicBuckets")
			},
			"bucketVersioningV2:BucketVersioningV2": func(p pulumitest.Resource) bool {
				return p.Text("versioningConfiguration", "status") == "Enabled"
			},
			"bucketOwnershipControls:BucketOwnershipControls": func(p pulumitest.Resource) bool {
				return p.Text("rule", "objectOwnership") == "BucketOwnerEnforced"
			},
			"bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": nil,
			"bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       nil,
			"bucketPolicy:BucketPolicy": func(p pulumitest.Resource) bool {
				return slices.ContainsFunc(statements(t, p.Text("policy")), func(s statement) bool {
					return s.Effect == "Deny" && strings.Contains(fmt.Sprint(s.Condition), "aws:SecureTransport")
				})
			},
		} {
			var settings []string
			for _, setting := range r.ByType("aws:s3/" + kind) {
				settings = append(settings, setting.Text("bucket"))
				if right != nil && !right(setting) {
					t.Errorf("%s of %s is too weak", kind, setting.Text("bucket"))
				}
			}
			slices.Sort(settings)
			if diff := cmp.Diff(buckets, settings); diff != "" {
				t.Errorf("buckets with %s (-all +with):\n%s", kind, diff)
			}
		}
	})
}

func isTrue(r pulumitest.Resource, path ...string) bool {
	value := r.Input(path...)
	return value.IsBool() && value.BoolValue()
}

func TestHostIsHardened(t *testing.T) {
	t.Parallel()
	eachRealRun(t, func(t *testing.T, r *pulumitest.Recorder) {
		r.Count(t, "aws:ec2/instance:Instance", 1)
		for _, host := range r.ByType("aws:ec2/instance:Instance") {
			if host.Text("metadataOptions", "httpTokens") != "required" {
				t.Error("IMDSv1 works")
			}
			hops := host.Input("metadataOptions", "httpPutResponseHopLimit")
			if !hops.IsNumber() || hops.NumberValue() != 1 {
				t.Errorf("containers reach the host's credentials: hop limit %v", hops)
			}
			if !isTrue(host, "rootBlockDevice", "encrypted") {
				t.Error("the root volume is not encrypted")
			}
			for _, ignored := range []string{"ami", "userData", "associatePublicIpAddress"} {
				if !slices.Contains(host.Request.GetIgnoreChanges(), ignored) {
					t.Errorf("a change of %s replaces the host", ignored)
				}
			}
			if len(host.Text("userData")) > 16<<10 {
				t.Errorf("user data has %d bytes", len(host.Text("userData")))
			}
		}
	})
}

func TestDataIsEncryptedAndProtected(t *testing.T) {
	t.Parallel()
	r := everything().run(t)
	for token, encrypted := range map[string]string{
		"aws:ebs/volume:Volume": "encrypted", "aws:rds/instance:Instance": "storageEncrypted", "aws:kms/key:Key": "",
	} {
		found := r.ByType(token)
		if len(found) == 0 {
			t.Errorf("there is no %s", token)
		}
		for _, one := range found {
			if encrypted != "" && !isTrue(one, encrypted) {
				t.Errorf("%s %s is not encrypted", token, one.Name)
			}
			if !one.Request.GetProtect() {
				t.Errorf("%s %s is not protected", token, one.Name)
			}
		}
	}
	backups := slices.DeleteFunc(r.ByType(bucketType), func(b pulumitest.Resource) bool {
		return isTrue(b, "forceDestroy")
	})
	if len(backups) != 1 || !backups[0].Request.GetRetainOnDelete() {
		t.Errorf("buckets that keep their content: %v; want one, retained", backups)
	}
	for _, database := range r.ByType("aws:rds/instance:Instance") {
		if isTrue(database, "publiclyAccessible") || !isTrue(database, "deletionProtection") {
			t.Error("the database is public or easily deleted")
		}
	}
	for _, repository := range r.ByType("aws:ecr/repository:Repository") {
		if repository.Text("imageTagMutability") != "IMMUTABLE" ||
			!isTrue(repository, "imageScanningConfiguration", "scanOnPush") {
			t.Errorf("repository %s is mutable or not scanned", repository.Name)
		}
	}
}

// TestOpenPorts allows the world the web's ports and nothing else.
func TestOpenPorts(t *testing.T) {
	t.Parallel()
	for name, s := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := map[string]bool{}
			r := s.run(t)
			for _, rule := range r.ByType("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") {
				from := rule.Text("cidrIpv4") + rule.Text("cidrIpv6")
				if from == "" {
					continue // from another group
				}
				open[fmt.Sprintf("%v-%v/%s from %s", rule.Input("fromPort").V, rule.Input("toPort").V,
					rule.Text("ipProtocol"), from)] = true
			}
			want := map[string]bool{
				"80-80/tcp from 0.0.0.0/0":   true,
				"443-443/tcp from 0.0.0.0/0": true, "443-443/udp from 0.0.0.0/0": true,
			}
			if name == "everything" {
				want["22-22/tcp from 203.0.113.0/24"] = true
				for _, port := range []string{"80-80/tcp", "443-443/tcp", "443-443/udp"} {
					want[port+" from ::/0"] = true
				}
			}
			if diff := cmp.Diff(want, open); diff != "" {
				t.Errorf("open ports (-want +got):\n%s", diff)
			}
			for _, group := range r.ByType("aws:ec2/securityGroup:SecurityGroup") {
				if !group.Input("ingress").IsNull() || !group.Input("egress").IsNull() {
					t.Errorf("group %s has rules of its own", group.Name)
				}
			}
			for _, group := range r.ByType("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup") {
				if !isEmptyList(group.Input("ingress")) || !isEmptyList(group.Input("egress")) {
					t.Error("the default security group lets something through")
				}
			}
		})
	}
}

func isEmptyList(value resource.PropertyValue) bool {
	return value.IsArray() && len(value.ArrayValue()) == 0
}

// statement is one statement of a policy, as IAM reads it.
type statement struct {
	Sid, Effect string
	Principal   any
	Action      stringOrList
	Resource    stringOrList
	Condition   map[string]map[string]stringOrList
}

type stringOrList []string

func (s *stringOrList) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*s = stringOrList{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(s))
}

func statements(t *testing.T, policy string) []statement {
	t.Helper()
	var document struct{ Statement []statement }
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		t.Fatalf("read policy %q: %v", policy, err)
	}
	return document.Statement
}

// withoutResource are the actions that IAM cannot limit to a resource.
var withoutResource = []string{"ecr:GetAuthorizationToken", "ssm:GetCommandInvocation"}

// TestPoliciesNameTheirResources reads every policy that lets something be done.
func TestPoliciesNameTheirResources(t *testing.T) {
	t.Parallel()
	eachRealRun(t, func(t *testing.T, r *pulumitest.Recorder) {
		policies := append(r.ByType("aws:iam/rolePolicy:RolePolicy"), r.ByType("aws:iam/policy:Policy")...)
		if len(policies) == 0 {
			t.Fatal("there is no policy")
		}
		for _, policy := range policies {
			for _, s := range statements(t, policy.Text("policy")) {
				for _, action := range s.Action {
					if strings.Contains(action, "*") {
						t.Errorf("%s, %s: allows %s", policy.Name, s.Sid, action)
					}
					if slices.Contains(s.Resource, "*") && !slices.Contains(withoutResource, action) {
						t.Errorf("%s, %s: allows %s on everything", policy.Name, s.Sid, action)
					}
				}
				for _, on := range s.Resource {
					if strings.HasSuffix(on, ":parameter/*") || strings.HasSuffix(on, ":document/*") {
						t.Errorf("%s, %s: allows %v on %s", policy.Name, s.Sid, s.Action, on)
					}
					if strings.HasSuffix(on, "/*") && strings.Contains(on, ":instance/") && len(s.Condition) == 0 {
						t.Errorf("%s, %s: allows %v on every instance", policy.Name, s.Sid, s.Action)
					}
					if strings.HasSuffix(on, ":repository/*") && len(s.Condition) == 0 {
						t.Errorf("%s, %s: allows %v on every repository", policy.Name, s.Sid, s.Action)
					}
				}
			}
		}
	})
}

// TestRolesTrustNoWildcard reads who may assume a role.
func TestRolesTrustNoWildcard(t *testing.T) {
	t.Parallel()
	eachRealRun(t, func(t *testing.T, r *pulumitest.Recorder) {
		for _, role := range r.ByType("aws:iam/role:Role") {
			for _, s := range statements(t, role.Text("assumeRolePolicy")) {
				text, err := json.Marshal(s)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(text), "*") {
					t.Errorf("%s trusts %s", role.Name, text)
				}
				if slices.Contains(s.Action, "sts:AssumeRoleWithWebIdentity") {
					claims := s.Condition["StringEquals"]
					if len(claims["token.actions.githubusercontent.com:aud"]) != 1 ||
						len(claims["token.actions.githubusercontent.com:sub"]) == 0 {
						t.Errorf("%s trusts tokens of others: %s", role.Name, text)
					}
				}
			}
		}
	})
}

// TestHostCannotDeleteBackups reads what the host's role may do with S3.
func TestHostCannotDeleteBackups(t *testing.T) {
	t.Parallel()
	for _, policy := range byPrefix(everything().run(t), "aws:iam/") {
		if policy.Text("policy") == "" {
			continue
		}
		for _, s := range statements(t, policy.Text("policy")) {
			for _, action := range s.Action {
				if strings.HasPrefix(action, "s3:Delete") || strings.HasPrefix(action, "s3:PutBucket") ||
					strings.HasPrefix(action, "s3:PutLifecycle") {
					t.Errorf("%s allows %s", policy.Name, action)
				}
			}
		}
	}
}
