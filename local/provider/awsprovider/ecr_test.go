package awsprovider

import (
	"testing"

	"webstack/local/provider"
)

func TestRepository(t *testing.T) {
	t.Parallel()
	lifecycle{
		token: "aws:ecr/repository:Repository",
		inputs: provider.Values{
			"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": provider.Values{"scanOnPush": false},
			"forceDelete": true, "tags": provider.Values{"Name": "shop"},
		},
		unknown: []string{"arn", "repositoryUrl"},
		update: provider.Values{
			"imageTagMutability": "MUTABLE", "imageScanningConfiguration": provider.Values{"scanOnPush": true},
			"tags": provider.Values{"Owner": "ops"},
		},
		replace: []provider.Values{{"name": "other"}},
	}.run(t, newEngine(t))
}

func TestRepositoryLifecycle(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	repository := e.create("aws:ecr/repository:Repository", provider.Values{})
	policy := func(kept string) string {
		return `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan",` +
			`"countNumber":` + kept + `},"action":{"type":"expire"}}]}`
	}
	lifecycle{
		token:   "aws:ecr/lifecyclePolicy:LifecyclePolicy",
		inputs:  provider.Values{"repository": repository.id, "policy": policy("30")},
		unknown: []string{"registryId"},
		replace: []provider.Values{{"policy": policy("10")}, {"repository": "other"}},
	}.run(t, e)
}
