package awsprovider

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"webstack/local/provider"
)

func (c *clients) repositoryLifecycle() provider.Type {
	return provider.Type{
		DeleteBeforeReplace: true,
		Props: map[string]provider.Prop{
			"repository": {Required: true, Replace: true},
			"policy":     {Required: true, Replace: true, Check: checkJSON, Equal: sameRules},
			"registryId": {Output: true},
		},
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			_, err := c.ecr.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{
				RepositoryName: optional(in, "repository"), LifecyclePolicyText: optional(in, "policy"),
			})
			if err != nil {
				return "", err
			}
			return in.Str("repository"), nil
		},
		Read: func(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
			found, err := c.ecr.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &id})
			if err != nil {
				return nil, gone(err, noRepository, "LifecyclePolicyNotFoundException")
			}
			return provider.Values{
				"repository": id, "policy": found.LifecyclePolicyText, "registryId": found.RegistryId,
			}, nil
		},
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.ecr.DeleteLifecyclePolicy(ctx, &ecr.DeleteLifecyclePolicyInput{RepositoryName: &id})
			return unlessGone(err, noRepository, "LifecyclePolicyNotFoundException")
		},
	}
}

// lifecyclePolicy are the parts of a policy that ECR knows.
type lifecyclePolicy struct {
	Rules []lifecyclePolicyRule `json:"rules"`
}

type lifecyclePolicyRule struct {
	Priority    int    `json:"rulePriority"`
	Description string `json:"description"`
	Selection   struct {
		TagStatus      string   `json:"tagStatus"`
		TagPrefixList  []string `json:"tagPrefixList,omitempty"`
		TagPatternList []string `json:"tagPatternList,omitempty"`
		CountType      string   `json:"countType"`
		CountUnit      string   `json:"countUnit"`
		CountNumber    int      `json:"countNumber"`
	} `json:"selection"`
	Action struct {
		Type string `json:"type"`
	} `json:"action"`
}

// sameRules reports whether two policies have the same rules: they go by their priority, and their tags are sets.
func sameRules(a, b any) bool {
	left, okA := sortedRules(a)
	right, okB := sortedRules(b)
	return okA && okB && left == right
}

// sortedRules renders a policy in an order that depends only on what it means.
func sortedRules(value any) (string, bool) {
	text, _ := value.(string)
	var policy lifecyclePolicy
	if json.Unmarshal([]byte(text), &policy) != nil {
		return "", false
	}
	slices.SortStableFunc(policy.Rules, func(a, b lifecyclePolicyRule) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, rule := range policy.Rules {
		slices.Sort(rule.Selection.TagPrefixList)
		slices.Sort(rule.Selection.TagPatternList)
	}
	out, err := json.Marshal(policy)
	return string(out), err == nil
}
