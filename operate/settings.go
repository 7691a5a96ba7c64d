package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/stackfile"
)

// settings is what the stack file says of the stack and of the account. The keys of the namespace aws mean what they
// mean to Pulumi.
type settings struct {
	project, region, profile, role string
	accounts                       []string // empty: any
	config                         *config.Config
}

func readSettings(dir, stack string) (*settings, error) {
	if stack == "" || strings.ContainsAny(stack, `/\`) {
		return nil, fmt.Errorf("find stack %q: that is no name of a stack", stack)
	}
	text, err := ReadStackFile(dir, stack)
	if err != nil {
		return nil, err
	}
	return parseSettings(dir, stack, text)
}

func parseSettings(dir, stack string, text []byte) (*settings, error) {
	loaded, values, err := LoadConfig(dir, stack, text)
	if err != nil {
		return nil, err
	}
	out := &settings{config: loaded, region: values["aws:region"], profile: values["aws:profile"]}
	if out.project, err = stackfile.Project(dir); err != nil {
		return nil, err
	}
	if out.region == "" {
		return nil, fmt.Errorf("find the region of stack %s: set it with pulumi config set --stack %s aws:region us-east-1",
			stack, stack)
	}
	if err := contract.CheckRegion(out.region); err != nil {
		return nil, fmt.Errorf("read aws:region of stack %s: %w", stack, err)
	}
	var role struct{ RoleArn string }
	for key, into := range map[string]any{"aws:assumeRole": &role, "aws:allowedAccountIds": &out.accounts} {
		if value := values[key]; value != "" {
			if err := json.Unmarshal([]byte(value), into); err != nil {
				return nil, fmt.Errorf("read %s of stack %s: %w", key, stack, err)
			}
		}
	}
	out.role = role.RoleArn
	return out, nil
}

// LoadConfig reads text as the file of a stack: the config, and all values by full key. Secrets are stand-ins. The error
// lists all that is wrong, a line each.
func LoadConfig(dir, stack string, text []byte) (*config.Config, map[string]string, error) {
	file, err := stackfile.ParseSealed(dir, stack, text)
	if err != nil {
		return nil, nil, err
	}
	for _, key := range config.Keys() {
		// A map that is one secret as a whole cannot be looked into; nothing here needs what is in it.
		if key.Type == config.TypeEnvs && file.Values[key.FullName()] == stackfile.StandIn {
			file.Values[key.FullName()] = "{}"
		}
	}
	encrypted := func(key string) bool { return slices.Contains(file.SecretKeys, key) }
	loaded, err := config.Load(stack, file.Values)
	if err = errors.Join(err, config.CheckEncrypted(file.Values, encrypted)); err != nil {
		return nil, nil, fmt.Errorf("read the config of stack %s:\n%w", stack, err)
	}
	return loaded, file.Values, nil
}

// load makes the AWS config: the default chain, and what the stack file and the caller say.
func (s *settings) load(ctx context.Context, options Options) (aws.Config, error) {
	load := []func(*awsconfig.LoadOptions) error{awsconfig.WithRegion(s.region), awsconfig.WithAppID("webstack")}
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
