package gateway

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
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
