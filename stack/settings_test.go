package stack

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/pulumitest"
)

func TestReadProviderKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values map[string]string
		want   string
	}{
		{"no region", map[string]string{},
			"aws:region: is missing; set it with pulumi config set aws:region us-east-1"},
		{"bad region", map[string]string{"aws:region": "east"},
			`aws:region: "east" is not an AWS region; use one such as us-east-1`},
		{"another partition", map[string]string{"aws:region": "us-gov-west-1"}, `aws:region: "us-gov-west-1" is in another ` +
			"AWS partition, such as China's or GovCloud's; use a region such as us-east-1"},
		{"key in clear", map[string]string{"aws:region": "us-east-1", "aws:secretKey": "canary"},
			"aws:secretKey: does not reach the provider; allowed: allowedAccountIds, assumeRole, profile, region, " +
				"s3UsePathStyle, skipCredentialsValidation, skipMetadataApiCheck"},
		{"account", map[string]string{"aws:region": "us-east-1", "aws:allowedAccountIds": "[123456789012]"},
			`aws:allowedAccountIds: "[123456789012]" is wrong; allowed: a list of account ids of 12 digits, in quotes`},
		{"role", map[string]string{"aws:region": "us-east-1", "aws:assumeRole": `{"roleArn":"admin"}`},
			`aws:assumeRole: "{\"roleArn\":\"admin\"}" is wrong; ` +
				"allowed: a map with the key roleArn, the ARN of a role"},
		{"role with more", map[string]string{"aws:region": "us-east-1",
			"aws:assumeRole": `{"roleArn":"arn:aws:iam::123456789012:role/x","tags":{}}`},
			`aws:assumeRole: "{\"roleArn\":\"arn:aws:iam::123456789012:role/x\",\"tags\":{}}" is wrong; ` +
				"allowed: a map with the key roleArn, the ARN of a role"},
		{"boolean", map[string]string{"aws:region": "us-east-1", "aws:s3UsePathStyle": "1"},
			`aws:s3UsePathStyle: "1" is wrong; allowed: true or false`},
		{"profile", map[string]string{"aws:region": "us-east-1", "aws:profile": "a b"},
			`aws:profile: "a b" is wrong; allowed: the name of a profile in the AWS config file`},
		{"Cloudflare", map[string]string{"aws:region": "us-east-1", "cloudflare:email": "x"},
			"cloudflare:email: does not reach the provider; allowed: cloudflare:apiToken"},
		{"all", map[string]string{
			"aws:region": "eu-central-1", "aws:profile": "dev", "aws:allowedAccountIds": `["123456789012"]`,
			"aws:assumeRole": `{"roleArn":"arn:aws:iam::123456789012:role/deploy"}`, "aws:s3UsePathStyle": "true",
			"aws:skipMetadataApiCheck": "true", "aws:skipCredentialsValidation": "false", "cloudflare:apiToken": "x",
		}, "<nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settings{region: c.values["aws:region"]}
			err := s.readProviderKeys(c.values)
			if diff := cmp.Diff(c.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if err == nil && (s.aws.Region == nil || s.aws.Profile == nil || s.aws.AllowedAccountIds == nil ||
				s.aws.AssumeRole == nil || s.aws.S3UsePathStyle == nil) {
				t.Errorf("keys do not reach the provider: %+v", s.aws)
			}
		})
	}
}

// TestConfigOfTheRun reads the config from where Pulumi puts it. The environment keeps it from running in parallel.
func TestConfigOfTheRun(t *testing.T) {
	s := everything()
	o := s.program(t)
	o.Config = nil
	t.Setenv(pulumi.EnvConfig, "{")
	pulumitest.CheckRefused(t, Program(o), s.options(), "read PULUMI_CONFIG, which Pulumi sets for a program")
	values, err := json.Marshal(s.values)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(pulumi.EnvConfig, string(values))
	pulumitest.MustRun(t, Program(o), s.options()).Count(t, "aws:ecr/repository:Repository", 3)
}
