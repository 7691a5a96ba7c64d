package stack

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/config"
	"webstack/internal/pulumitest"
)

func TestProviderArgs(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	args := providerArgs(config.AWS{
		Region: "eu-central-1", Profile: "dev", AllowedAccountIDs: []string{"123456789012"},
		AssumeRoleArn: "arn:aws:iam::123456789012:role/deploy", S3UsePathStyle: &yes, SkipMetadataAPICheck: &no,
	})
	if args.Region == nil || args.Profile == nil || args.AllowedAccountIds == nil || args.AssumeRole == nil ||
		args.S3UsePathStyle == nil || args.SkipMetadataApiCheck == nil {
		t.Errorf("keys do not reach the provider: %+v", args)
	}
	if args.SkipCredentialsValidation != nil {
		t.Error("a key that is not set reaches the provider")
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
