package stack

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"webstack/internal/pulumitest"
)

// crowded is a stack with many apps, each with what an app can have and a name of the greatest length.
func crowded(t *testing.T, apps int) shape {
	t.Helper()
	type app struct {
		Domain       string   `json:"domain"`
		Zone         string   `json:"zone"`
		Aliases      []string `json:"aliases"`
		GithubRepo   string   `json:"githubRepo"`
		GithubBranch string   `json:"githubBranch"`
		OwnerID      int64    `json:"githubOwnerId"`
		RepoID       int64    `json:"githubRepoId"`
	}
	described, env := map[string]app{}, map[string]map[string]string{}
	for i := range apps {
		name := fmt.Sprintf("app-%03d-%s", i, strings.Repeat("x", 23))
		described[name] = app{
			Domain: name + ".example.com", Zone: "example.com", Aliases: []string{"www." + name + ".example.com"},
			GithubRepo: "an-organisation-with-a-long-name/" + strings.Repeat("r", 90), GithubBranch: "main",
			OwnerID: 1 << 40, RepoID: 1 << 40,
		}
		env[name] = map[string]string{"SESSION_KEY": strings.Repeat("k", 4096)}
	}
	marshal := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	s := everything().with("webstack:apps", marshal(described), "webstack:appEnvSecure", marshal(env),
		"webstack:appEnvPlain", "", "webstack:activeApp", "")
	s.stack = "production-in-europe-with-a-name-as-long-as-anybody-would-want"
	return s
}

func TestTwoHundredAppsStayWithinLimits(t *testing.T) {
	t.Parallel()
	r := crowded(t, 200).run(t)
	r.CheckShape(t)
	r.Count(t, "aws:ecr/repository:Repository", 200)
	r.Count(t, "cloudflare:index/record:Record", 200*2*2) // domain and alias, A and AAAA
	checkLimits(t, r)
}

func TestShapesStayWithinLimits(t *testing.T) {
	t.Parallel()
	eachRealRun(t, checkLimits)
}

// maxParameter is what Parameter Store leaves of 1,011 characters behind the ARN's beginning.
const maxParameter = 1011 - len("arn:aws:ssm:us-east-1:123456789012:parameter")

// physicalNames are what AWS takes as names. What Pulumi names itself gets eight more characters.
var physicalNames = map[string]struct {
	property string
	pattern  string
	limit    int
}{
	"aws:iam/role:Role":                       {"name", `^[\w+=,.@-]+$`, 64},
	"aws:iam/instanceProfile:InstanceProfile": {"name", `^[\w+=,.@-]+$`, 128},
	"aws:iam/policy:Policy":                   {"name", `^[\w+=,.@-]+$`, 128},
	"aws:s3/bucketV2:BucketV2":                {"bucket", `^[a-z0-9][a-z0-9-]*[a-z0-9]$`, 63},
	"aws:ssm/document:Document":               {"name", `^[a-zA-Z0-9_.-]{3,}$`, 128},
	"aws:ssm/association:Association":         {"associationName", `^[a-zA-Z0-9_.-]{3,}$`, 128},
	"aws:ssm/parameter:Parameter":             {"name", `^(/[a-zA-Z0-9_.-]+){1,15}$`, maxParameter},
	"aws:ecr/repository:Repository":           {"name", `^[a-z0-9]+([._/-]+[a-z0-9]+)*$`, 256},
	"aws:kms/alias:Alias":                     {"name", `^alias/[a-zA-Z0-9/_-]+$`, 256},
	"aws:rds/instance:Instance":               {"identifier", `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`, 63},
	"aws:rds/subnetGroup:SubnetGroup":         {"name", `^[a-zA-Z0-9 ._-]+$`, 255},
	"aws:ec2/securityGroup:SecurityGroup":     {"name", `^[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]+$`, 255},
}

// sizes are the greatest sizes of properties, in bytes. White space does not count in policies.
var sizes = map[string]int{
	"aws:ssm/document:Document content":                  64 << 10,
	"aws:ssm/parameter:Parameter value":                  4 << 10,
	"aws:ec2/instance:Instance userData":                 16 << 10,
	"aws:iam/role:Role assumeRolePolicy":                 2048,
	"aws:iam/role:Role description":                      1000,
	"aws:iam/rolePolicy:RolePolicy policy":               10240,
	"aws:iam/policy:Policy policy":                       6144,
	"aws:ecr/lifecyclePolicy:LifecyclePolicy policy":     30720,
	"cloudflare:index/record:Record comment":             100,
	"aws:ssm/association:Association scheduleExpression": 256,
}

func checkLimits(t *testing.T, r *pulumitest.Recorder) {
	t.Helper()
	const added = 8
	for _, found := range r.All() {
		if rule, known := physicalNames[found.Type]; known {
			name := found.Text(rule.property)
			if name == "" {
				name = found.Name + strings.Repeat("0", added)
			}
			if len(name) > rule.limit || !regexp.MustCompile(rule.pattern).MatchString(name) {
				t.Errorf("AWS takes no %s named %q", found.Type, name)
			}
		}
		for key := range found.Inputs {
			limit, known := sizes[found.Type+" "+string(key)]
			if size := len(found.Text(string(key))); known && size > limit {
				t.Errorf("%s of %s %s has %d bytes, more than %d", key, found.Type, found.Name, size, limit)
			}
		}
		if tags := found.Input("tags"); tags.IsObject() {
			for key := range tags.ObjectValue() {
				if len(key) > 128 || len(found.Text("tags", string(key))) > 256 {
					t.Errorf("tag %s of %s %s is too long", key, found.Type, found.Name)
				}
			}
		}
	}
	attached := len(r.ByType("aws:iam/rolePolicyAttachment:RolePolicyAttachment"))
	if attached > 10 {
		t.Errorf("a role has %d managed policies, more than 10", attached)
	}
}
