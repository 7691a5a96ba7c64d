package awsprovider

import (
	"strings"
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

const ec2Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},` +
	`"Action":"sts:AssumeRole"}]}`

const readAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]}`

const readAndList = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
	`"Action":["s3:GetObject","s3:ListBucket"],"Resource":["*"]}]}`

func TestRole(t *testing.T) {
	t.Parallel()
	lambda := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},` +
		`"Action":"sts:AssumeRole"}]}`
	providertest.Lifecycle{
		Token: "aws:iam/role:Role",
		Inputs: provider.Values{
			"assumeRolePolicy": ec2Trust, "description": "host", "tags": provider.Values{"Name": "host"},
		},
		Unknown: []string{"arn", "uniqueId"},
		Update: provider.Values{
			"assumeRolePolicy": lambda, "description": "the host",
			"tags": provider.Values{"Owner": "ops"},
		},
		Replace: []provider.Values{{"name": "other"}},
	}.Run(t, newEngine(t))
}

func TestRolePolicy(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	role := e.Create("aws:iam/role:Role", provider.Values{"assumeRolePolicy": ec2Trust})
	providertest.Lifecycle{
		Token:   "aws:iam/rolePolicy:RolePolicy",
		Inputs:  provider.Values{"role": role.ID, "policy": readAll},
		Update:  provider.Values{"policy": readAndList},
		Replace: []provider.Values{{"name": "other"}, {"role": "other"}},
	}.Run(t, e)
}

func TestRolePolicyAttachment(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	role := e.Create("aws:iam/role:Role", provider.Values{"assumeRolePolicy": ec2Trust})
	const managed = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
	providertest.Lifecycle{
		Token:    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
		Inputs:   provider.Values{"role": role.ID, "policyArn": managed},
		Replace:  []provider.Values{{"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, {"role": "other"}},
		ImportID: role.ID + "/" + managed,
		OpaqueID: true,
	}.Run(t, e)
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token:   "aws:iam/policy:Policy",
		Inputs:  provider.Values{"policy": readAll, "description": "reads", "tags": provider.Values{"Name": "reads"}},
		Unknown: []string{"arn", "policyId"},
		Update:  provider.Values{"policy": readAndList, "tags": provider.Values{"Owner": "ops"}},
		Replace: []provider.Values{{"description": "reads all"}, {"name": "other"}},
	}.Run(t, newEngine(t))
}

// IAM keeps five versions of a policy; the oldest is deleted.
func TestPolicyMayChangeManyTimes(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	r := e.Create("aws:iam/policy:Policy", provider.Values{"policy": readAll})
	for i := range 7 {
		policy := readAll
		if i%2 == 0 {
			policy = readAndList
		}
		r.Update(provider.Values{"policy": policy})
	}
	r.Delete(t.Context())
}

func TestInstanceProfile(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one := e.Create("aws:iam/role:Role", provider.Values{"name": e.Name + "-one", "assumeRolePolicy": ec2Trust})
	two := e.Create("aws:iam/role:Role", provider.Values{"name": e.Name + "-two", "assumeRolePolicy": ec2Trust})
	providertest.Lifecycle{
		Token:   "aws:iam/instanceProfile:InstanceProfile",
		Inputs:  provider.Values{"role": one.ID, "tags": provider.Values{"Name": "host"}},
		Unknown: []string{"arn", "uniqueId"},
		Update:  provider.Values{"role": two.ID, "tags": provider.Values{"Owner": "ops"}},
		Replace: []provider.Values{{"name": "other"}},
	}.Run(t, e)
}

func TestOpenIDConnectProvider(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	providertest.Lifecycle{
		Token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
		Inputs: provider.Values{
			"url": "https://" + e.Name + ".example.com", "clientIdLists": []any{"sts.amazonaws.com"},
			"tags": provider.Values{"Name": "github"},
		},
		Unknown: []string{"arn"},
		Update:  provider.Values{"tags": provider.Values{"Owner": "ops"}},
		Replace: []provider.Values{{"url": "https://other.example.com"}},
	}.Run(t, e)
}

// TestPoliciesThatMeanTheSame: no difference, at a change of the program or at a refresh.
func TestPoliciesThatMeanTheSame(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	r := e.Create("aws:iam/policy:Policy", provider.Values{"policy": readAndList})
	for name, test := range map[string]struct {
		policy string
		same   bool
	}{
		"order of actions and keys": {`{ "Statement": {"Resource": "*", "Action": ["s3:ListBucket", "s3:GetObject"],
			"Effect": "Allow"}, "Version": "2012-10-17" }`, true},
		"another action":  {readAll, false},
		"another version": {strings.Replace(readAndList, "2012-10-17", "2008-10-17", 1), false},
	} {
		got := r.Diff(e.Checked(r.Token, r.Inputs, provider.Values{"policy": test.policy}))
		if same := len(got.Diffs) == 0; same != test.same {
			t.Errorf("%s: same is %v", name, same)
		}
	}
}

func TestRoleInUse(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	role := e.Create("aws:iam/role:Role", provider.Values{"assumeRolePolicy": ec2Trust})
	profile := e.Create("aws:iam/instanceProfile:InstanceProfile", provider.Values{"role": role.ID})
	role.Delete(t.Context())
	if _, _, outputs := profile.Refresh(); outputs["role"] != nil {
		t.Errorf("the profile still has the role %v", outputs["role"])
	}
}
