package ecr

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/golden"
	"webstack/internal/pulumitest"
)

func args(edits ...func(*Args)) *Args {
	out := &Args{
		Project: "webstack", Stack: "test", Region: pulumitest.Region, AccountID: pulumitest.AccountID,
		Apps: []App{
			{Name: "blog", Repository: "webstack/blog", DeployDocument: "webstack-test-deploy-blog"},
			{
				Name: "shop", Repository: "webstack/shop", DeployDocument: "webstack-test-deploy-shop",
				GithubRepo: "acme/shop", GithubBranch: "main", GithubOwnerID: 11, GithubRepoID: 22,
			},
			{
				Name: "wiki", Repository: "webstack/wiki", DeployDocument: "webstack-test-deploy-wiki",
				GithubRepo: "acme/wiki", GithubBranch: "release",
			},
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

var options = pulumitest.Options{Outputs: pulumitest.AWSOutputs}

func TestEcr(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(), "ecr"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
		recorder.CheckShape(t)
		golden.Compare(t, recorder.Dump(t), ".json")
	})
}

func TestGivenIdentityProviderIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	given := args(func(a *Args) { a.OidcProviderArn = "arn:aws:iam::123456789012:oidc-provider/github" })
	recorder := pulumitest.MustRun(t, program(given, "ecr"), options)
	recorder.Count(t, "aws:iam/openIdConnectProvider:OpenIdConnectProvider", 0)
	trust := recorder.One(t, "aws:iam/role:Role", "ecr-shop-deploy").Text("assumeRolePolicy")
	if !strings.Contains(trust, given.OidcProviderArn) {
		t.Errorf("trust policy: %s", trust)
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		app  App
		want []string
	}{
		"by names": {App{GithubRepo: "acme/shop", GithubBranch: "main"}, []string{"repo:acme/shop:ref:refs/heads/main"}},
		"by numbers too": {App{GithubRepo: "acme/shop", GithubBranch: "main", GithubOwnerID: 1, GithubRepoID: 2},
			[]string{"repo:acme/shop:ref:refs/heads/main", "repo:acme@1/shop@2:ref:refs/heads/main"}},
		"half a number": {App{GithubRepo: "acme/shop", GithubBranch: "main", GithubRepoID: 2},
			[]string{"repo:acme/shop:ref:refs/heads/main"}},
	} {
		if got := subjects(test.app); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// statement is a statement as IAM reads it.
type statement struct {
	Sid              string
	Action, Resource []string
	Condition        map[string]map[string][]string
}

func TestDeployRoleReachesItsOwnAppOnly(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "ecr"), options)
	var document struct{ Statement []statement }
	text := recorder.One(t, "aws:iam/rolePolicy:RolePolicy", "ecr-shop-deploy").Text("policy")
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "blog") || strings.Contains(text, "wiki") {
		t.Errorf("the policy of shop speaks of other apps: %s", text)
	}
	for _, s := range document.Statement {
		for _, action := range s.Action {
			// Whoever may list commands reads what other apps' commands print.
			if action == "ssm:GetParameter" && len(s.Resource) == 1 && strings.HasSuffix(s.Resource[0], ":parameter/webstack/test/instance") {
				continue
			}
			if strings.HasPrefix(action, "ssm:") && action != "ssm:SendCommand" && action != "ssm:GetCommandInvocation" {
				t.Errorf("%s allows %s", s.Sid, action)
			}
		}
		if !slices.Contains(s.Action, "ssm:SendCommand") {
			continue
		}
		onDocument := strings.Contains(s.Resource[0], ":document/webstack-test-deploy-shop")
		onHost := strings.Contains(s.Resource[0], ":instance/*") && s.Condition != nil
		if len(s.Resource) != 1 || onDocument == onHost || onDocument && s.Condition != nil {
			t.Errorf("%s: %v under %v", s.Sid, s.Resource, s.Condition)
		}
	}
}

func TestLifecycleRulesAreSorted(t *testing.T) {
	t.Parallel()
	var policy struct{ Rules []rule }
	if err := json.Unmarshal([]byte(lifecyclePolicy), &policy); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(policy.Rules, func(a, b rule) int { return a.RulePriority - b.RulePriority }) {
		t.Errorf("rules: %+v", policy.Rules)
	}
	if n := len(lifecyclePolicy); n < 100 || n > 30720 {
		t.Errorf("the policy has %d characters, ECR takes 100 to 30720", n)
	}
}

func TestTwoInOneProgram(t *testing.T) {
	t.Parallel()
	pulumitest.MustRun(t, program(args(), "one", "two"), options).CheckShape(t)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) { a.Apps[0].Repository, a.Apps[1].GithubBranch = "Shop", "" })
	pulumitest.CheckRefused(t, program(bad, "ecr"), options, `repository of blog "Shop"`, "deploy role of shop")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(), "ecr"), options)
}
