package stack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/config"
	"webstack/internal/project"
	"webstack/internal/pulumitest"
	"webstack/internal/stackfile"
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

// TestTheStackFileIsChecked puts a file beside Pulumi.yaml whose mistakes the values of the run do not show.
func TestTheStackFileIsChecked(t *testing.T) {
	dir := t.TempDir()
	projectFile, err := os.ReadFile("../Pulumi.yaml")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), projectFile, 0o644)
	}
	const text = `encryptionsalt: v1:qSADIv2+Xsg=:v1:LzvUcdgA+P87uIQ9:lWKwAO6uHfG9l2ueZHGrsgE4baOhNQ==
config:
  aws:region: us-east-1
  webstack:apps: {shop: {domain: shop.example.com, memoryMb: 1e3}}
  webstack:appEnvPlain: {shop: {SINCE: 2024-01-01}}
  webstack:appEnvSecure:
    shop:
      GOOD: {secure: "v1:cX09W9V2bmgLHFZP:ExHp7a/efITmeGWf30qEflI="}
      CLEAR: ` + canary + `
webstack:useEip: true
`
	if err == nil {
		err = os.WriteFile(project.StackFile(dir, "prod"), []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	run, err := stackfile.Read(dir, "prod", "webstack-local")
	if err != nil {
		t.Fatal(err)
	}
	o, options := everything().program(t), everything().options()
	o.Config, options.SecretKeys = nil, run.SecretKeys
	t.Setenv(pulumi.EnvPulumiRootDirectory, dir)
	configure := func() {
		values, err := json.Marshal(run.Values)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(pulumi.EnvConfig, string(values))
	}
	configure()
	pulumitest.CheckRefused(t, Program(o), options,
		`Pulumi.prod.yaml:4: apps.shop.memoryMb: "1e3" is not a whole number`,
		"Pulumi.prod.yaml:5: appEnvPlain.shop.SINCE: is a date, not a string",
		"Pulumi.prod.yaml:9: appEnvSecure.shop.CLEAR: is not encrypted",
		"Pulumi.prod.yaml:10: webstack:useEip: is outside of config")

	// Of a run with another file only the values are known. They still show what Pulumi made of the date.
	run.Values["webstack:useEip"] = "true"
	run.Values["webstack:apps"] = `{"shop":{"domain":"shop.example.com","memoryMb":512}}`
	configure()
	pulumitest.CheckRefused(t, Program(o), options, "appEnvPlain.shop.SINCE: is a date that Pulumi has rewritten because it has no quotes")
	run.Values["webstack:appEnvPlain"] = "{}"
	configure()
	pulumitest.MustRun(t, Program(o), options)
}
