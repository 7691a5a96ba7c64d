package hosts

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"webstack/contract"
	"webstack/e2e/lab"
)

// otherRepository is that of another app.
const otherRepository = "webstack-local/blog"

// workflowIsConfined tries what a compromised workflow would do with the credentials of the deploy role, and whether
// the workflow needs all that the role may do.
func workflowIsConfined(t *testing.T, c *lab.Clone) {
	g := newGithub(t, c)
	config := c.AWS()
	config.Credentials = credentials.NewStaticCredentialsProvider(
		*g.keys.AccessKeyId, *g.keys.SecretAccessKey, *g.keys.SessionToken)
	config.RetryMaxAttempts = 1
	host, _ := c.Host()
	for what, try := range refusals(config, host) {
		if err := try(t.Context()); !denied(err) {
			t.Errorf("%s: %v, want that it is denied", what, err)
		}
	}
	images := ecr.NewFromConfig(config)
	token := must(images.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{}))(t)
	login := remote.WithAuth(authn.FromConfig(authn.AuthConfig{Auth: *token.AuthorizationData[0].AuthorizationToken}))
	other := must(name.NewTag(g.registry + "/" + otherRepository + ":stolen"))(t)
	_, pulled := remote.Image(other, login, remote.WithContext(t.Context()))
	for what, err := range map[string]error{
		"push to another app's repository":   remote.Write(other, empty.Image, login, remote.WithContext(t.Context())),
		"pull from another app's repository": pulled,
	} {
		var refused *transport.Error
		if !errors.As(err, &refused) || refused.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v, want status 403", what, err)
		}
	}
	own := rolePolicies(t, iam.NewFromConfig(c.AWS()), "webstack-local-deploy-shop", "deploy")
	needed(t, own, deployUses(config, host))
	c.MustLaptop("up") // restores what was changed by hand
}

// deployUses are what the workflow does by each statement of the deploy role.
func deployUses(config aws.Config, host string) map[string]func(context.Context) error {
	manager, images := ssm.NewFromConfig(config), ecr.NewFromConfig(config)
	command := ""
	watch := func(ctx context.Context) error {
		out, err := manager.SendCommand(ctx, &ssm.SendCommandInput{
			DocumentName: aws.String("webstack-local-deploy-shop"), InstanceIds: []string{host},
			Parameters: map[string][]string{"action": {"watch"}, "command": {"01234567-89ab-cdef-0123-456789abcdef"}},
		})
		if err == nil {
			command = *out.Command.CommandId
		}
		return err
	}
	return map[string]func(context.Context) error{
		"Login": func(ctx context.Context) error {
			_, err := images.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
			return err
		},
		"Push": func(ctx context.Context) error {
			_, err := images.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String("webstack-local/shop")})
			return err
		},
		"DeployDocument": watch,
		"DeployHost":     watch,
		"FindHost": func(ctx context.Context) error {
			_, err := manager.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(contract.InstanceParam(base))})
			return err
		},
		"Follow": func(ctx context.Context) error {
			if command == "" {
				if err := watch(ctx); err != nil {
					return err
				}
			}
			_, err := manager.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{
				CommandId: aws.String(command), InstanceId: aws.String(host),
			})
			return err
		},
	}
}

// refusals are calls that the deploy role may not make, by what they would do.
func refusals(config aws.Config, host string) map[string]func(context.Context) error {
	manager, images := ssm.NewFromConfig(config), ecr.NewFromConfig(config)
	all := map[string]func(context.Context) error{
		"run the own document on another host": send(manager, "webstack-local-deploy-shop", "i-0123456789abcdef0"),
		"change what is live": func(ctx context.Context) error {
			_, err := manager.PutParameter(ctx, &ssm.PutParameterInput{
				Name: aws.String(contract.AppReleaseParam(base, "shop")), Value: aws.String("v0"),
				Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
			})
			return err
		},
		"read all parameters": func(ctx context.Context) error {
			_, err := manager.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{
				Path: aws.String(base), Recursive: aws.Bool(true), WithDecryption: aws.Bool(true),
			})
			return err
		},
		"list the output of other commands": func(ctx context.Context) error {
			_, err := manager.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{Details: true})
			return err
		},
		"list commands": func(ctx context.Context) error {
			_, err := manager.ListCommands(ctx, &ssm.ListCommandsInput{})
			return err
		},
		"open a shell": func(ctx context.Context) error {
			_, err := manager.StartSession(ctx, &ssm.StartSessionInput{Target: aws.String(host)})
			return err
		},
		"change the own document": func(ctx context.Context) error {
			_, err := manager.UpdateDocument(ctx, &ssm.UpdateDocumentInput{
				Name: aws.String("webstack-local-deploy-shop"), Content: aws.String("{}"),
			})
			return err
		},
		"tag a host": func(ctx context.Context) error {
			_, err := ec2.NewFromConfig(config).CreateTags(ctx, &ec2.CreateTagsInput{
				Resources: []string{host}, Tags: []ec2types.Tag{{Key: aws.String(contract.TagStack), Value: aws.String("mine")}},
			})
			return err
		},
		"extend its own policy": func(ctx context.Context) error {
			_, err := iam.NewFromConfig(config).PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName: aws.String("webstack-local-deploy-shop"), PolicyName: aws.String("more"), PolicyDocument: aws.String("{}"),
			})
			return err
		},
		"delete an image": func(ctx context.Context) error {
			_, err := images.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{
				RepositoryName: aws.String("webstack-local/shop"), ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String("v0")}},
			})
			return err
		},
		"look into another app's repository": func(ctx context.Context) error {
			_, err := images.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String(otherRepository)})
			return err
		},
		"put an image into another app's repository": func(ctx context.Context) error {
			_, err := images.PutImage(ctx, &ecr.PutImageInput{
				RepositoryName: aws.String(otherRepository), ImageManifest: aws.String("{}"), ImageTag: aws.String("v0"),
			})
			return err
		},
	}
	for _, document := range []string{
		"AWS-RunShellScript", "webstack-local-deploy-blog", "webstack-local-converge", "webstack-local-status",
		"webstack-local-logs", "webstack-local-maintenance", "webstack-local-backup", "webstack-local-restore",
	} {
		all["run "+document] = send(manager, document, host)
	}
	for what, parameter := range map[string]string{
		"read the database's password":           contract.AppDatabasePasswordParam(base, "shop"),
		"read the superuser's password":          contract.PostgresPasswordParam(base),
		"read a secret variable":                 contract.AppEnvParam(base, "shop", "SESSION_KEY"),
		"read another app's database's password": contract.AppDatabasePasswordParam(base, "blog"),
	} {
		all[what] = func(ctx context.Context) error {
			_, err := manager.GetParameter(ctx, &ssm.GetParameterInput{
				Name: aws.String(parameter), WithDecryption: aws.Bool(true),
			})
			return err
		}
	}
	return all
}

// send runs a document on a host.
func send(manager *ssm.Client, document, host string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := manager.SendCommand(ctx, &ssm.SendCommandInput{
			DocumentName: aws.String(document), InstanceIds: []string{host},
		})
		return err
	}
}
