package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/project"
	"webstack/internal/stackfile"
)

// settings is the config of a run.
type settings struct {
	config *config.Config
	region string
	aws    aws.ProviderArgs
}

// readSettings reads the config of the run and reports all problems, one per line.
func readSettings(ctx *pulumi.Context, o Options) (*settings, error) {
	source := config.Source{Stack: ctx.Stack(), Values: o.Config, Encrypted: ctx.IsConfigSecret}
	if source.Values == nil {
		if err := json.Unmarshal([]byte(os.Getenv(pulumi.EnvConfig)), &source.Values); err != nil {
			return nil, fmt.Errorf("read %s, which Pulumi sets for a program: it is not valid JSON", pulumi.EnvConfig)
		}
		var err error
		if source.File, err = fileOfRun(ctx, source.Values); err != nil {
			return nil, err
		}
	}
	loaded, err := source.Load()
	if err = errors.Join(contract.CheckProject(ctx.Project(), ctx.Stack()), err); err != nil {
		return nil, fmt.Errorf("read the config of stack %s:\n%w", ctx.Stack(), err)
	}
	return &settings{config: loaded, region: loaded.AWS.Region, aws: providerArgs(loaded.AWS)}, nil
}

// fileOfRun returns the stack file that the values of the run come from. It returns nil if there is none next to
// Pulumi.yaml, or if Pulumi was told to read another one.
func fileOfRun(ctx *pulumi.Context, values map[string]string) (*config.File, error) {
	dir := ctx.RootDirectory()
	text, err := os.ReadFile(project.StackFile(dir, ctx.Stack()))
	if err == nil {
		var file *config.File
		if file, err = stackfile.OfRun(dir, ctx.Stack(), text, values); file != nil || err != nil {
			return file, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the stack file: %w", err)
	}
	const secure = config.Namespace + ":appEnvSecure"
	if values[secure] == "" || values[secure] == "{}" {
		return nil, nil
	}
	return nil, ctx.Log.Warn("appEnvSecure: the config of this run does not come from "+project.StackFile("", ctx.Stack())+
		", so Webstack does not check that each value is encrypted", nil)
}

// providerArgs returns the arguments of the provider, which does not read the keys of its namespace itself.
func providerArgs(keys config.AWS) aws.ProviderArgs {
	args := aws.ProviderArgs{Region: pulumi.StringPtr(keys.Region)}
	if keys.Profile != "" {
		args.Profile = pulumi.StringPtr(keys.Profile)
	}
	if keys.AssumeRoleArn != "" {
		args.AssumeRole = aws.ProviderAssumeRoleArgs{RoleArn: pulumi.StringPtr(keys.AssumeRoleArn)}
	}
	if len(keys.AllowedAccountIDs) > 0 {
		args.AllowedAccountIds = pulumi.ToStringArray(keys.AllowedAccountIDs)
	}
	set := func(field *pulumi.BoolPtrInput, value *bool) {
		if value != nil {
			*field = pulumi.BoolPtr(*value)
		}
	}
	set(&args.S3UsePathStyle, keys.S3UsePathStyle)
	set(&args.SkipCredentialsValidation, keys.SkipCredentialsValidation)
	set(&args.SkipMetadataApiCheck, keys.SkipMetadataAPICheck)
	return args
}
