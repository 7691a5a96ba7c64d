package awsprovider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

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

// TestLifecycleRulesInAnotherOrder: rules have a priority and tags are a set, so their order does not matter.
func TestLifecycleRulesInAnotherOrder(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	rule := func(priority int, tags string) string {
		return fmt.Sprintf(`{"rulePriority":%d,"selection":{"tagStatus":"tagged","tagPrefixList":[%s],`+
			`"countType":"imageCountMoreThan","countNumber":9},"action":{"type":"expire"}}`, priority, tags)
	}
	policy := func(rules ...string) string { return `{"rules":[` + strings.Join(rules, ",") + `]}` }
	inputs := provider.Values{
		"repository": e.Create("aws:ecr/repository:Repository", provider.Values{}).ID,
		"policy":     policy(rule(1, `"a","b"`), rule(2, `"c"`)),
	}
	r := e.Create("aws:ecr/lifecyclePolicy:LifecyclePolicy", inputs)
	inputs["policy"] = policy(rule(2, `"c"`), rule(1, `"b","a"`))
	if got := r.Diff(e.Checked(r.Token, r.Inputs, inputs)); len(got.Diffs) > 0 {
		t.Errorf("differences %v", got.Diffs)
	}
	inputs["policy"] = policy(rule(1, `"a"`), rule(2, `"c"`))
	if got := r.Diff(e.Checked(r.Token, r.Inputs, inputs)); len(got.Replaces) != 1 || !got.DeleteBeforeReplace {
		t.Errorf("replaces %v, deletes first: %v", got.Replaces, got.DeleteBeforeReplace)
	}
}

func TestRepositoryWithImages(t *testing.T) {
	t.Parallel()
	e, c := newEngine(t), testClients(t)
	r := e.Create("aws:ecr/repository:Repository", provider.Values{})
	manifest := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":` +
		`"application/vnd.oci.image.config.v1+json","digest":"sha256:` + strings.Repeat("a", 64) + `","size":1},"layers":[]}`
	_, err := c.ecr.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: &r.ID, ImageManifest: &manifest})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.TryDelete(t.Context()); err == nil || !strings.Contains(err.Error(), "set forceDelete") {
		t.Errorf("delete: %v", err)
	}
	r.Update(provider.Values{"forceDelete": true})
	r.Delete(t.Context())
}
