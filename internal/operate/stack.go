package operate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/project"
)

// Options say which stack to operate and how to reach it.
type Options struct {
	// Dir is the folder with Pulumi.yaml and the stack files.
	Dir string
	// Stack is the stack's name.
	Stack string
	// Endpoint is the URL to use instead of AWS's own endpoints; "" leaves it to the environment.
	Endpoint string
	// Credentials replace those of the default chain if they are not nil.
	Credentials aws.CredentialsProvider
}

// Stack is a stack and the account it is in.
type Stack struct {
	// Project and Name are the Pulumi names.
	Project, Name string
	// Config is the content of the stack file, with placeholders for secrets.
	Config *config.Config
	// Region and Account are where the stack is.
	Region, Account string
	// Caller is the ARN of the credentials that are used.
	Caller string
	// AWS is the config of clients for that account and region.
	AWS aws.Config

	ec2  ec2API
	ssm  ssmAPI
	poll time.Duration // the shortest pause between two requests for a command's state
	// logPause is the shortest pause between two requests for new log lines.
	logPause time.Duration
}

// ec2API and ssmAPI are the calls needed to find a host and to run a document.
type (
	ec2API interface {
		ec2.DescribeInstancesAPIClient
	}
	ssmAPI interface {
		ssm.DescribeInstanceInformationAPIClient
		ssm.ListCommandInvocationsAPIClient
		SendCommand(context.Context, *ssm.SendCommandInput, ...func(*ssm.Options)) (*ssm.SendCommandOutput, error)
		GetCommandInvocation(
			context.Context, *ssm.GetCommandInvocationInput, ...func(*ssm.Options),
		) (*ssm.GetCommandInvocationOutput, error)
	}
)

// Open reads the stack file and finds the account. It does not look for the host, which may not exist.
func Open(ctx context.Context, options Options) (*Stack, error) {
	settings, err := readSettings(options.Dir, options.Stack)
	if err != nil {
		return nil, err
	}
	s := &Stack{
		Project: settings.project, Name: options.Stack, Config: settings.config, Region: settings.region, poll: pollFirst,
		logPause: logPauseFirst,
	}
	if s.AWS, err = settings.load(ctx, options); err != nil {
		return nil, err
	}
	caller, err := sts.NewFromConfig(s.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, Explain("find the AWS account", err)
	}
	s.Account, s.Caller = aws.ToString(caller.Account), aws.ToString(caller.Arn)
	if len(settings.accounts) > 0 && !slices.Contains(settings.accounts, s.Account) {
		return nil, fmt.Errorf("use AWS account %s: aws:allowedAccountIds of stack %s allows only %s; choose another profile",
			s.Account, s.Name, strings.Join(settings.accounts, ", "))
	}
	s.ec2, s.ssm = ec2.NewFromConfig(s.AWS), ssm.NewFromConfig(s.AWS)
	return s, nil
}

// Tag returns the value of contract.TagStack on the stack's resources.
func (s *Stack) Tag() string { return contract.StackTagValue(s.Project, s.Name) }

// Document returns the name of one of the stack's documents; parts are, for example, contract.DocDeploy and an app.
func (s *Stack) Document(parts ...string) string {
	return contract.DocumentName(s.Project, s.Name, parts...)
}

// App returns an app of the stack, or an error that lists the existing ones.
func (s *Stack) App(name string) (config.App, error) {
	var names []string
	for _, app := range s.Config.Apps {
		if app.Name == name {
			return app, nil
		}
		names = append(names, app.Name)
	}
	if len(names) == 0 {
		return config.App{}, fmt.Errorf("find app %q: stack %s has no apps; add one with webstack apps add", name, s.Name)
	}
	return config.App{}, fmt.Errorf("find app %q: stack %s has %s", name, s.Name, strings.Join(names, ", "))
}

// ReadStackFile returns the text of a stack's file. If there is none, the error lists the stacks that have one.
func ReadStackFile(dir, stack string) ([]byte, error) {
	text, err := os.ReadFile(project.StackFile(dir, stack))
	if err == nil {
		return text, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the file of stack %s: %w", stack, err)
	}
	stacks, err := project.Stacks(dir)
	if err != nil {
		return nil, err
	}
	if len(stacks) == 0 {
		return nil, fmt.Errorf("find stack %q: there is no Pulumi.<stack>.yaml in %s; create one with pulumi stack init",
			stack, dir)
	}
	return nil, fmt.Errorf("find stack %q: there is no file Pulumi.%s.yaml; there are stacks %s",
		stack, stack, strings.Join(stacks, ", "))
}
