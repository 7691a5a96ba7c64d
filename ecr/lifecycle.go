package ecr

import "encoding/json"

const (
	// keptReleases is how many tagged images stay. The live and the previous release are among the newest, unless thirty
	// images are pushed without deploying one.
	keptReleases = 30
	// untaggedDays is how long untagged images stay: parts of an index that is still in use are also untagged.
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

// lifecyclePolicy is the policy of every repository. Its rules are sorted by priority, as ECR returns them: another
// order would look like a change in every run.
var lifecyclePolicy = func() string {
	expire := map[string]string{"type": "expire"}
	text, err := json.Marshal(map[string][]rule{"rules": {
		{1, "untagged images", selection{
			TagStatus: "untagged", CountType: "sinceImagePushed", CountUnit: "days", CountNumber: untaggedDays,
		}, expire},
		{2, "old releases", selection{
			TagStatus: "tagged", TagPatternList: []string{"*"}, CountType: "imageCountMoreThan", CountNumber: keptReleases,
		}, expire},
	}})
	if err != nil {
		panic("ecr: the lifecycle policy cannot fail to render: " + err.Error())
	}
	return string(text)
}()
