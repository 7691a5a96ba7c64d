package gateway

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// policy returns a policy whose size is n characters, not counting white space.
func policy(n int, rest string) *string {
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + rest + `,"Sid":"SID"}]}`
	return aws.String("  " + strings.Replace(text, "SID", strings.Repeat("x", n-len(text)+len("SID")), 1) + "\n\n")
}

const (
	trust = `"Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"`
	allow = `"Resource":"*","Action":"ssm:GetParameter"`
)

func TestPoliciesOfARoleAreBounded(t *testing.T) {
	t.Parallel()
	client, ctx, role := iam.NewFromConfig(config()), t.Context(), aws.String(unique())
	_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: policy(2049, trust)})
	wantCode(t, err, "LimitExceeded", "2048")
	ask(client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: policy(2048,
		trust)})).must(t)
	_, err = client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
		RoleName: role, PolicyDocument: policy(2049, trust)})
	wantCode(t, err, "LimitExceeded", "2048")
	put := func(name string, size int) error {
		_, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
			RoleName: role, PolicyName: &name, PolicyDocument: policy(size, allow)})
		return err
	}
	for _, step := range []struct {
		name string
		size int
		fits bool
	}{
		{"a", 10241, false}, {"a", 10240, true}, {"b", 200, false}, {"a", 10000, true}, {"b", 240, true}, {"b", 241, false},
	} {
		err := put(step.name, step.size)
		if step.fits && err != nil {
			t.Errorf("%s with %d: %v", step.name, step.size, err)
		}
		if !step.fits {
			wantCode(t, err, "LimitExceeded", "10240")
		}
	}
	ask(client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: aws.String("a")})).must(t)
	if err := put("b", 10240); err != nil {
		t.Errorf("after a deletion: %v", err)
	}
}

func TestLifecyclePoliciesThatECRWouldRefuse(t *testing.T) {
	t.Parallel()
	client, ctx, name := ecr.NewFromConfig(config()), t.Context(), aws.String(unique())
	ask(client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: name})).must(t)
	rule := func(priority, selection string) string {
		return `{"rulePriority":` + priority + `,"selection":{` + selection + `},"action":{"type":"expire"}}`
	}
	const (
		old    = `"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14`
		many   = `"tagStatus":"tagged","tagPatternList":["*"],"countType":"imageCountMoreThan","countNumber":30`
		anyOne = `"tagStatus":"any","countType":"imageCountMoreThan","countNumber":30`
	)
	put := func(rules ...string) error {
		_, err := client.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{
			RepositoryName: name, LifecyclePolicyText: aws.String(`{"rules":[` + strings.Join(rules, ",") + `]}`)})
		return err
	}
	for what, rules := range map[string][]string{
		"one": {rule("1", old)}, "two": {rule("1", old), rule("2", many)}, "any last": {rule("9", anyOne), rule("1", old)},
	} {
		if err := put(rules...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, bad := range map[string]struct {
		rules []string
		word  string
	}{
		"too short":     {nil, "characters"},
		"too long":      {[]string{rule("1", old+`,"x":"`+strings.Repeat("x", 30720)+`"`)}, "characters"},
		"no JSON":       {[]string{rule("1", old), strings.Repeat("x", 100)}, "cannot be read"},
		"same priority": {[]string{rule("1", old), rule("1", many)}, "rulePriority 1"},
		"any first":     {[]string{rule("1", anyOne), rule("2", old)}, "highest"},
		"tags of none": {[]string{rule("1", strings.Replace(many, `"tagPatternList":["*"],`, "", 1))},
			"need a tagPrefixList"},
		"tags of all":    {[]string{rule("1", strings.Replace(many, "tagged", "any", 1))}, "only tagged"},
		"unknown status": {[]string{rule("1", strings.Replace(old, "untagged", "stale", 1))}, "tagStatus"},
		"unknown count":  {[]string{rule("1", strings.Replace(old, "sinceImagePushed", "older", 1))}, "countType"},
		"days of a count": {[]string{rule("1", strings.Replace(old, "sinceImagePushed", "imageCountMoreThan", 1))},
			"countUnit"},
		"count of none":  {[]string{rule("1", strings.Replace(old, "14", "0", 1))}, "countNumber"},
		"another action": {[]string{strings.Replace(rule("1", old), "expire", "delete", 1)}, "expire"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			wantCode(t, put(bad.rules...), "InvalidParameterException", bad.word)
		})
	}
}
