package config_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/config"
)

func TestProviderKeys(t *testing.T) {
	t.Parallel()
	const (
		region = "a region of AWS's commercial partition, such as us-east-1"
		others = "aws:region, aws:profile, aws:assumeRole, aws:allowedAccountIds, aws:s3UsePathStyle, " +
			"aws:skipCredentialsValidation, aws:skipMetadataApiCheck"
		role = "the ARN of a role, such as arn:aws:iam::123456789012:role/deploy"
	)
	for _, c := range []struct {
		name   string
		values map[string]string
		want   string
	}{
		{"no region", map[string]string{},
			"aws:region: is missing; allowed: a region; set it with pulumi config set --stack dev aws:region us-east-1"},
		{"word", map[string]string{"aws:region": "east"}, `aws:region: "east" is not a region; did you mean us-east-1? Allowed: ` + region},
		{"typo", map[string]string{"aws:region": "us-esat-1"},
			`aws:region: "us-esat-1" is not a region; did you mean us-east-1? Allowed: ` + region},
		{"new region", map[string]string{"aws:region": "ap-north-1"}, "<nil>"},
		{"China", map[string]string{"aws:region": "cn-north-1"}, `aws:region: "cn-north-1" is in another AWS partition, ` +
			"such as China's or GovCloud's; allowed: " + region},
		{"key in clear", map[string]string{"aws:region": "us-east-1", "aws:secretKey": "canary"},
			"aws:secretKey: is not passed to the provider; allowed: " + others},
		{"account as number", map[string]string{"aws:region": "us-east-1", "aws:allowedAccountIds": "[123456789012]"},
			"aws:allowedAccountIds[0]: is a number, not a string; put it in quotes, or set it with " +
				"pulumi config set --type string --path 'aws:allowedAccountIds[0]' VALUE; allowed: account IDs of 12 digits, in quotes"},
		{"role as text", map[string]string{"aws:region": "us-east-1", "aws:assumeRole": `{"roleArn":"admin"}`},
			`aws:assumeRole.roleArn: "admin" has the wrong format; allowed: ` + role},
		{"role with more", map[string]string{"aws:region": "us-east-1",
			"aws:assumeRole": `{"roleArn":"arn:aws:iam::123456789012:role/x","tags":{}}`},
			"aws:assumeRole.tags: is not passed to the provider; allowed: roleArn"},
		{"no role", map[string]string{"aws:region": "us-east-1", "aws:assumeRole": "{}"},
			"aws:assumeRole.roleArn: is missing; allowed: " + role},
		{"boolean", map[string]string{"aws:region": "us-east-1", "aws:s3UsePathStyle": "1"},
			`aws:s3UsePathStyle: "1" is not a boolean; allowed: true or false`},
		{"profile", map[string]string{"aws:region": "us-east-1", "aws:profile": "a b"},
			`aws:profile: "a b" has the wrong format; allowed: the name of a profile in the AWS config file`},
		{"Cloudflare", map[string]string{"aws:region": "us-east-1", "cloudflare:email": "x"},
			"cloudflare:email: is not passed to the provider; allowed: cloudflare:apiToken"},
		{"misspelt namespace", map[string]string{"aws:region": "us-east-1", "websatck:apps": "{}"},
			"websatck:apps: is in namespace websatck, which nothing reads; did you mean webstack? " +
				"Allowed: the namespaces webstack, aws, cloudflare, pulumi"},
		{"all", map[string]string{
			"aws:region": "eu-central-1", "aws:profile": "dev", "aws:allowedAccountIds": `["123456789012"]`,
			"aws:assumeRole": `{"roleArn":"arn:aws:iam::123456789012:role/deploy"}`, "aws:s3UsePathStyle": "true",
			"aws:skipMetadataApiCheck": "true", "aws:skipCredentialsValidation": "false",
		}, "<nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Source{Stack: "dev", Values: c.values}.Load()
			if diff := cmp.Diff(c.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if err == nil && got.AWS.Region != c.values["aws:region"] {
				t.Errorf("region is %q", got.AWS.Region)
			}
		})
	}
}
