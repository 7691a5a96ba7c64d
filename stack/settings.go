package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/config"
	"webstack/contract"
)

// settings is all that the config of a run says.
type settings struct {
	config *config.Config
	region string
	aws    aws.ProviderArgs
}

// readSettings reads the config of the run and reports all problems, one line each, sorted.
func readSettings(ctx *pulumi.Context, values map[string]string) (*settings, error) {
	if values == nil {
		if err := json.Unmarshal([]byte(os.Getenv(pulumi.EnvConfig)), &values); err != nil {
			return nil, fmt.Errorf("read %s, which Pulumi sets for a program: it is not valid JSON", pulumi.EnvConfig)
		}
	}
	s := &settings{region: values["aws:region"]}
	var loadErr error
	s.config, loadErr = config.Load(ctx.Stack(), values)
	err := errors.Join(contract.CheckProject(ctx.Project(), ctx.Stack()), loadErr,
		config.CheckEncrypted(values, ctx.IsConfigSecret), s.readProviderKeys(values))
	if err == nil {
		return s, nil
	}
	lines := strings.Split(err.Error(), "\n")
	slices.Sort(lines)
	return nil, fmt.Errorf("read the config of stack %s:\n%s", ctx.Stack(), strings.Join(lines, "\n"))
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	rolePattern    = regexp.MustCompile(`^arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$`)
	profilePattern = regexp.MustCompile(`^[A-Za-z0-9._@/+-]+$`)
)

// awsKeys are the keys of the namespace aws that reach the provider. An explicit provider does not read them by
// itself; keys for credentials are left out on purpose, as they belong into the environment or a profile.
var awsKeys = map[string]func(*aws.ProviderArgs, string) error{
	"region": func(a *aws.ProviderArgs, v string) error {
		a.Region = pulumi.StringPtr(v)
		return contract.CheckRegion(v)
	},
	"profile": func(a *aws.ProviderArgs, v string) error {
		a.Profile = pulumi.StringPtr(v)
		return want(profilePattern.MatchString(v), v, "the name of a profile in the AWS config file")
	},
	"assumeRole": func(a *aws.ProviderArgs, v string) error {
		var role struct{ RoleArn string }
		dec := json.NewDecoder(strings.NewReader(v))
		dec.DisallowUnknownFields()
		err := dec.Decode(&role)
		a.AssumeRole = aws.ProviderAssumeRoleArgs{RoleArn: pulumi.StringPtr(role.RoleArn)}
		right := err == nil && rolePattern.MatchString(role.RoleArn)
		return want(right, v, "a map with the key roleArn, the ARN of a role")
	},
	"allowedAccountIds": func(a *aws.ProviderArgs, v string) error {
		var ids []string
		err := json.Unmarshal([]byte(v), &ids)
		a.AllowedAccountIds = pulumi.ToStringArray(ids)
		wrong := slices.ContainsFunc(ids, func(id string) bool { return !accountPattern.MatchString(id) })
		return want(err == nil && !wrong, v, "a list of account ids of 12 digits, in quotes")
	},
	"s3UsePathStyle": boolean(func(a *aws.ProviderArgs) *pulumi.BoolPtrInput { return &a.S3UsePathStyle }),
	"skipCredentialsValidation": boolean(func(a *aws.ProviderArgs) *pulumi.BoolPtrInput {
		return &a.SkipCredentialsValidation
	}),
	"skipMetadataApiCheck": boolean(func(a *aws.ProviderArgs) *pulumi.BoolPtrInput { return &a.SkipMetadataApiCheck }),
}

func boolean(field func(*aws.ProviderArgs) *pulumi.BoolPtrInput) func(*aws.ProviderArgs, string) error {
	return func(a *aws.ProviderArgs, v string) error {
		*field(a) = pulumi.BoolPtr(v == "true")
		return want(v == "true" || v == "false", v, "true or false")
	}
}

func want(ok bool, value, allowed string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%q is wrong; allowed: %s", value, allowed)
}

// readProviderKeys fills in the provider's arguments from the keys of the namespaces aws and cloudflare.
func (s *settings) readProviderKeys(values map[string]string) error {
	const token = "cloudflare:apiToken"
	var problems []error
	if _, set := values["aws:region"]; !set {
		problems = append(problems, errors.New(
			"aws:region: is missing; set it with pulumi config set aws:region us-east-1"))
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if name, ok := strings.CutPrefix(key, "aws:"); ok {
			set, known := awsKeys[name]
			if !known {
				allowed := strings.Join(slices.Sorted(maps.Keys(awsKeys)), ", ")
				problems = append(problems, fmt.Errorf("%s: does not reach the provider; allowed: %s", key, allowed))
			} else if err := set(&s.aws, values[key]); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", key, err))
			}
		}
		if strings.HasPrefix(key, "cloudflare:") && key != token {
			problems = append(problems, fmt.Errorf("%s: does not reach the provider; allowed: %s", key, token))
		}
	}
	return errors.Join(problems...)
}
