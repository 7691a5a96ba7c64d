package operate

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"webstack/config"
	"webstack/internal/project"
)

// settings is what the stack file says about the stack and the account. The keys of the namespace aws mean what they
// mean to Pulumi.
type settings struct {
	project, region, profile, role string
	accounts                       []string // empty: any
	config                         *config.Config
}

func readSettings(dir, stack string) (*settings, error) {
	if name, err := project.StackName(stack); err != nil || name != stack {
		return nil, fmt.Errorf("find stack %q: it is not a valid stack name", stack)
	}
	text, err := ReadStackFile(dir, stack)
	if err != nil {
		return nil, err
	}
	return parseSettings(dir, stack, text)
}

func parseSettings(dir, stack string, text []byte) (*settings, error) {
	loaded, err := LoadConfig(dir, stack, text)
	if err != nil {
		return nil, err
	}
	keys := loaded.AWS
	out := &settings{
		config: loaded, region: keys.Region, profile: keys.Profile, role: keys.AssumeRoleArn, accounts: keys.AllowedAccountIDs,
	}
	if out.project, err = project.Name(dir); err != nil {
		return nil, err
	}
	return out, nil
}

// LoadConfig parses text as the file of a stack. It needs no key: secrets stay encrypted and are empty in the config.
// The error lists all problems, one per line.
func LoadConfig(dir, stack string, text []byte) (*config.Config, error) {
	file, err := config.ParseFile(filepath.Base(project.StackFile(dir, stack)), text)
	if err != nil {
		return nil, err
	}
	loaded, err := config.Source{Stack: stack, File: file}.Load()
	if err != nil {
		return nil, fmt.Errorf("read the config of stack %s:\n%w", stack, err)
	}
	return loaded, nil
}

// load returns the AWS config: the default chain, overridden by the stack file and the caller.
func (s *settings) load(ctx context.Context, options Options) (aws.Config, error) {
	load := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithRegion(s.region), awsconfig.WithAppID("webstack"),
		awsconfig.WithLogger(logging.Nop{}), // what matters comes as an error, and Explain says what to do
	}
	if options.Endpoint != "" {
		load = append(load, awsconfig.WithBaseEndpoint(options.Endpoint))
	}
	switch {
	case options.Credentials != nil:
		load = append(load, awsconfig.WithCredentialsProvider(options.Credentials))
	case s.profile != "":
		load = append(load, awsconfig.WithSharedConfigProfile(s.profile))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return aws.Config{}, Explain("load the AWS settings", err)
	}
	if s.role != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), s.role))
	}
	return cfg, nil
}
