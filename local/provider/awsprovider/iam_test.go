package awsprovider

import (
	"testing"

	"webstack/local/provider"
)

const ec2Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},` +
	`"Action":"sts:AssumeRole"}]}`

const readAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]}`

const readAndList = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],` +
	`"Resource":["*"]}]}`

func TestRole(t *testing.T) {
	t.Parallel()
	lambda := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},` +
		`"Action":"sts:AssumeRole"}]}`
	lifecycle{
		token: "aws:iam/role:Role",
		inputs: provider.Values{
			"assumeRolePolicy": ec2Trust, "description": "host", "tags": provider.Values{"Name": "host"},
		},
		unknown: []string{"arn", "uniqueId"},
		want:    provider.Values{"path": "/", "maxSessionDuration": 3600},
		update: provider.Values{
			"assumeRolePolicy": lambda, "description": "the host", "maxSessionDuration": 7200,
			"tags": provider.Values{"Owner": "ops"},
		},
		replace: []provider.Values{{"name": "other"}, {"path": "/ops/"}},
		// Whether policies are to be detached is known to the program only.
		notImported: []string{"forceDetachPolicies"},
	}.run(t, newEngine(t))
}

func TestRolePolicy(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	role := e.create("aws:iam/role:Role", provider.Values{"assumeRolePolicy": ec2Trust})
	lifecycle{
		token:   "aws:iam/rolePolicy:RolePolicy",
		inputs:  provider.Values{"role": role.id, "policy": readAll},
		update:  provider.Values{"policy": readAndList},
		replace: []provider.Values{{"name": "other"}, {"role": "other"}},
	}.run(t, e)
}

func TestRolePolicyAttachment(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	role := e.create("aws:iam/role:Role", provider.Values{"assumeRolePolicy": ec2Trust})
	const managed = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
	lifecycle{
		token:    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
		inputs:   provider.Values{"role": role.id, "policyArn": managed},
		replace:  []provider.Values{{"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, {"role": "other"}},
		importID: role.id + "/" + managed,
		opaqueID: true,
	}.run(t, e)
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	lifecycle{
		token:   "aws:iam/policy:Policy",
		inputs:  provider.Values{"policy": readAll, "description": "reads", "tags": provider.Values{"Name": "reads"}},
		unknown: []string{"arn", "policyId"},
		want:    provider.Values{"path": "/"},
		update:  provider.Values{"policy": readAndList, "tags": provider.Values{"Owner": "ops"}},
		replace: []provider.Values{{"description": "reads all"}, {"name": "other"}},
	}.run(t, newEngine(t))
}

// IAM keeps five versions of a policy; the oldest makes room.
func TestPolicyMayChangeManyTimes(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	r := e.create("aws:iam/policy:Policy", provider.Values{"policy": readAll})
	for i := range 7 {
		policy := readAll
		if i%2 == 0 {
			policy = readAndList
		}
		r.update(provider.Values{"policy": policy})
	}
	r.delete(t.Context())
}

func TestInstanceProfile(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one := e.create("aws:iam/role:Role", provider.Values{"name": e.name + "-one", "assumeRolePolicy": ec2Trust})
	two := e.create("aws:iam/role:Role", provider.Values{"name": e.name + "-two", "assumeRolePolicy": ec2Trust})
	lifecycle{
		token:   "aws:iam/instanceProfile:InstanceProfile",
		inputs:  provider.Values{"role": one.id, "tags": provider.Values{"Name": "host"}},
		unknown: []string{"arn", "uniqueId"},
		update:  provider.Values{"role": two.id, "tags": provider.Values{"Owner": "ops"}},
		replace: []provider.Values{{"name": "other"}},
	}.run(t, e)
}

func TestOpenIDConnectProvider(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	lifecycle{
		token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
		inputs: provider.Values{
			"url": "https://" + e.name + ".example.com", "clientIdLists": []any{"sts.amazonaws.com"},
			"tags": provider.Values{"Name": "github"},
		},
		unknown: []string{"arn"},
		update:  provider.Values{"tags": provider.Values{"Owner": "ops"}},
		replace: []provider.Values{{"url": "https://other.example.com"}},
	}.run(t, e)
}
