package awsprovider

import (
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

func TestRepository(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token: "aws:ecr/repository:Repository",
		Inputs: provider.Values{
			"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": provider.Values{"scanOnPush": false},
			"forceDelete": true, "tags": provider.Values{"Name": "shop"},
		},
		Unknown: []string{"arn", "repositoryUrl"},
		Update: provider.Values{
			"imageTagMutability": "MUTABLE", "imageScanningConfiguration": provider.Values{"scanOnPush": true},
			"tags": provider.Values{"Owner": "ops"},
		},
		Replace: []provider.Values{{"name": "other"}},
	}.Run(t, newEngine(t))
}

func TestRepositoryLifecycle(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	repository := e.Create("aws:ecr/repository:Repository", provider.Values{})
	policy := func(kept string) string {
		return `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan",` +
			`"countNumber":` + kept + `},"action":{"type":"expire"}}]}`
	}
	providertest.Lifecycle{
		Token:   "aws:ecr/lifecyclePolicy:LifecyclePolicy",
		Inputs:  provider.Values{"repository": repository.ID, "policy": policy("30")},
		Unknown: []string{"registryId"},
		Replace: []provider.Values{{"policy": policy("10")}, {"repository": "other"}},
	}.Run(t, e)
}
