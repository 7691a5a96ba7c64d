package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
)

const (
	// minLifecycle and maxLifecycle are ECR's limits for a lifecycle policy, in characters.
	minLifecycle, maxLifecycle = 100, 30720
)

var ecrHandlers = map[string]handler{
	"BatchCheckLayerAvailability": (*Gateway).ecrImages,
	"BatchDeleteImage":            (*Gateway).ecrImages,
	"BatchGetImage":               (*Gateway).ecrImages,
	"DeleteRepository":            (*Gateway).deleteRepository,
	"DescribeImages":              (*Gateway).ecrImages,
	"GetAuthorizationToken":       (*Gateway).getAuthorizationToken,
	"ListImages":                  (*Gateway).ecrImages,
	"PutImage":                    (*Gateway).ecrImages,
	"PutLifecyclePolicy":          (*Gateway).putLifecyclePolicy,
}

// lifecycleRule is one rule of a lifecycle policy.
type lifecycleRule struct {
	RulePriority int `json:"rulePriority"`
	Selection    struct {
		TagStatus      string   `json:"tagStatus"`
		TagPrefixList  []string `json:"tagPrefixList"`
		TagPatternList []string `json:"tagPatternList"`
		CountType      string   `json:"countType"`
		CountUnit      string   `json:"countUnit"`
		CountNumber    int      `json:"countNumber"`
	} `json:"selection"`
	Action struct {
		Type string `json:"type"`
	} `json:"action"`
}

// putLifecyclePolicy rejects policies that ECR would reject and moto would accept.
func (g *Gateway) putLifecyclePolicy(w http.ResponseWriter, r *http.Request, c call) {
	var in struct {
		Text string `json:"lifecyclePolicyText"`
	}
	if !c.parse(w, &in) {
		return
	}
	if problem := checkLifecycle(in.Text); problem != nil {
		c.refuse(w, problem)
		return
	}
	g.moto.ServeHTTP(w, r)
}

func checkLifecycle(text string) *problem {
	invalid := func(format string, args ...any) *problem {
		return wrong("InvalidParameterException", "Invalid parameter at 'LifecyclePolicyText': "+format, args...)
	}
	if len(text) < minLifecycle || len(text) > maxLifecycle {
		return invalid("it has %d characters, not %d to %d", len(text), minLifecycle, maxLifecycle)
	}
	var policy struct {
		Rules []lifecycleRule `json:"rules"`
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return invalid("it cannot be read: %v", err)
	}
	if len(policy.Rules) == 0 {
		return invalid("it has no rules")
	}
	seen := map[int]bool{}
	for _, rule := range policy.Rules {
		last := !slices.ContainsFunc(policy.Rules, func(other lifecycleRule) bool {
			return other.RulePriority > rule.RulePriority
		})
		switch {
		case rule.RulePriority < 1 || seen[rule.RulePriority]:
			return invalid("rulePriority %d is not a positive number, or is not unique", rule.RulePriority)
		case rule.Selection.TagStatus == "any" && !last:
			return invalid("the rule for any image, %d, must have the highest rulePriority", rule.RulePriority)
		}
		seen[rule.RulePriority] = true
		if fault := rule.fault(); fault != "" {
			return invalid("rule %d: %s", rule.RulePriority, fault)
		}
	}
	return nil
}

// fault returns what is wrong with a rule on its own; "" if it is valid.
func (r lifecycleRule) fault() string {
	s := r.Selection
	lists := len(s.TagPrefixList) > 0 || len(s.TagPatternList) > 0
	switch {
	case !slices.Contains([]string{"tagged", "untagged", "any"}, s.TagStatus):
		return "tagStatus must be tagged, untagged or any"
	case s.TagStatus == "tagged" && !lists:
		return "tagged images need a tagPrefixList or a tagPatternList"
	case s.TagStatus != "tagged" && lists:
		return "only tagged images have a tagPrefixList or a tagPatternList"
	case s.CountType != "imageCountMoreThan" && s.CountType != "sinceImagePushed":
		return "countType must be imageCountMoreThan or sinceImagePushed"
	case (s.CountType == "sinceImagePushed") != (s.CountUnit == "days"):
		return "countUnit must be days, and is valid only with sinceImagePushed"
	case s.CountNumber < 1:
		return "countNumber must be 1 or more"
	case r.Action.Type != "expire":
		return "the action must be expire"
	}
	return ""
}
