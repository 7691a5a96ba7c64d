package ecr

import (
	"encoding/json"

	"webstack/contract"
)

const (
	// keptPins is how many pins stay. Each deploy pushes one that refers to the live and the previous image, and ECR
	// expires no image that an index refers to before that index is gone. So the newest pin alone protects both images,
	// however many images were pushed since. The others keep the releases before them, and cover deploys whose pin failed.
	keptPins = 10
	// keptReleases is how many tagged images stay that no pin refers to, at least.
	keptReleases = 30
	// untaggedDays is how long untagged images stay. Parts of an index stay as long as the index.
	untaggedDays = 14
)

// rule is one rule of an ECR lifecycle policy.
type rule struct {
	RulePriority int               `json:"rulePriority"`
	Description  string            `json:"description"`
	Selection    selection         `json:"selection"`
	Action       map[string]string `json:"action"`
}

type selection struct {
	TagStatus      string   `json:"tagStatus"`
	TagPatternList []string `json:"tagPatternList,omitempty"`
	CountType      string   `json:"countType"`
	CountUnit      string   `json:"countUnit,omitempty"`
	CountNumber    int      `json:"countNumber"`
}

// lifecyclePolicy is the policy of every repository. An image that matches the tags of a rule cannot be expired by a
// later rule, so the pins come first. The rules are sorted by priority, as ECR returns them: another order would look
// like a change in every run.
var lifecyclePolicy = func() string {
	expire := map[string]string{"type": "expire"}
	text, err := json.Marshal(map[string][]rule{"rules": {
		{1, "pins of live and previous images", selection{
			TagStatus: "tagged", TagPatternList: []string{contract.PinTagPrefix + "*"},
			CountType: "imageCountMoreThan", CountNumber: keptPins,
		}, expire},
		{2, "untagged images", selection{
			TagStatus: "untagged", CountType: "sinceImagePushed", CountUnit: "days", CountNumber: untaggedDays,
		}, expire},
		{3, "old releases", selection{
			// The pins match, too: ECR counts them, although this rule cannot expire them.
			TagStatus: "tagged", TagPatternList: []string{"*"},
			CountType: "imageCountMoreThan", CountNumber: keptPins + keptReleases,
		}, expire},
	}})
	if err != nil {
		panic("ecr: the lifecycle policy cannot fail to render: " + err.Error())
	}
	return string(text)
}()
