package gateway

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webstack/local/iamcheck"
)

// trusted is a trust policy of a role that the program makes.
type trusted struct {
	role     string
	policy   iamcheck.Policy
	provider string   // of web identities; "" when the role is for a service
	subjects []string // whom it names
}

const githubIssuer = "token.actions.githubusercontent.com"

// trustPolicies returns the trust policies of all roles in the program's graphs.
func trustPolicies(t *testing.T) []trusted {
	t.Helper()
	graphs, err := filepath.Glob("../../stack/testdata/TestGraph/*/up.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []trusted
	for _, graph := range graphs {
		text, err := os.ReadFile(graph)
		if err != nil {
			t.Fatal(err)
		}
		var resources []struct {
			Name   string
			Inputs struct{ AssumeRolePolicy json.RawMessage }
		}
		if err := json.Unmarshal(text, &resources); err != nil {
			t.Fatal(err)
		}
		for _, r := range resources {
			if r.Inputs.AssumeRolePolicy == nil {
				continue
			}
			one := trusted{role: graph + ": " + r.Name}
			if one.policy, err = iamcheck.Parse(string(r.Inputs.AssumeRolePolicy)); err != nil {
				t.Fatal(err)
			}
			var in struct {
				Statement []struct {
					Principal struct{ Federated string }
					Condition struct{ StringEquals map[string][]string }
				}
			}
			if err := json.Unmarshal(r.Inputs.AssumeRolePolicy, &in); err != nil {
				t.Fatal(err)
			}
			one.provider, one.subjects = in.Statement[0].Principal.Federated, in.Statement[0].Condition.StringEquals[githubIssuer+":sub"]
			out = append(out, one)
		}
	}
	return out
}

func (r trusted) decides(action string, principals, values map[string][]string) bool {
	return iamcheck.Evaluate([]iamcheck.Policy{r.policy}, iamcheck.Request{
		Action: action, Principals: principals, Context: values,
	}) == iamcheck.Allow
}

// A deploy role is for the workflow of one branch of one repository, and the host's for instances.
func TestRolesTrustNobodyElse(t *testing.T) {
	t.Parallel()
	roles := trustPolicies(t)
	if !slices.ContainsFunc(roles, func(r trusted) bool { return r.provider != "" }) ||
		!slices.ContainsFunc(roles, func(r trusted) bool { return r.provider == "" }) {
		t.Fatalf("there are not roles of both kinds: %d", len(roles))
	}
	root := map[string][]string{"AWS": {"123456789012", "arn:aws:iam::123456789012:root"}}
	for _, r := range roles {
		if r.decides("sts:AssumeRole", root, nil) {
			t.Errorf("%s: everybody in the account may assume it", r.role)
		}
		if r.provider == "" {
			if !r.decides("sts:AssumeRole", map[string][]string{"Service": {"ec2.amazonaws.com"}}, nil) {
				t.Errorf("%s: instances may not have it", r.role)
			}
			if r.decides("sts:AssumeRole", map[string][]string{"Service": {"lambda.amazonaws.com"}}, nil) {
				t.Errorf("%s: functions may have it", r.role)
			}
			continue
		}
		r.identities(t)
	}
}

// identities tries to assume the role with tokens that GitHub issues to others.
func (r trusted) identities(t *testing.T) {
	may := func(provider, subject, audience string) bool {
		values := map[string][]string{}
		if subject != "" {
			values[githubIssuer+":sub"] = []string{subject}
		}
		if audience != "" {
			values[githubIssuer+":aud"] = []string{audience}
		}
		return r.decides("sts:AssumeRoleWithWebIdentity", map[string][]string{"Federated": {provider}}, values)
	}
	const audience = "sts.amazonaws.com"
	if len(r.subjects) == 0 {
		t.Errorf("%s: it names nobody", r.role)
	}
	for _, subject := range r.subjects {
		if !may(r.provider, subject, audience) {
			t.Errorf("%s: %s may not assume it", r.role, subject)
		}
		repository, _, _ := strings.Cut(subject, ":ref:")
		for _, other := range []string{
			subject + "-2", subject + "/x", subject + "\n", strings.ToUpper(subject), " " + subject, "*", "",
			repository, repository + ":*", repository + ":pull_request", repository + ":environment:main",
			repository + ":ref:refs/tags/main", repository + ":ref:refs/heads/other", repository + ":ref:refs/pull/1/merge",
			strings.Replace(subject, "repo:", "repo:evil-", 1), strings.Replace(subject, ":ref:", "-fork:ref:", 1),
			strings.Replace(subject, "/", "-evil/", 1), strings.Replace(subject, "repo:", "repo:evil/", 1),
		} {
			if may(r.provider, other, audience) {
				t.Errorf("%s: %q may assume it", r.role, other)
			}
		}
		if may(r.provider, subject, "elsewhere") || may(r.provider, subject, "") {
			t.Errorf("%s: a token for somebody else will do", r.role)
		}
		if may("arn:aws:iam::123456789012:oidc-provider/evil.example.com", subject, audience) {
			t.Errorf("%s: a token of another issuer will do", r.role)
		}
	}
}
