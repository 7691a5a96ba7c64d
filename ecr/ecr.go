package ecr

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
)

// TypeToken is the component's type.
const TypeToken = "webstack:ecr:Ecr"

// Args describe the repositories and roles.
type Args struct {
	// Project and Stack name the roles and the tag of the hosts that a deploy may reach.
	Project, Stack string
	// Region and AccountID are where the repositories are.
	Region, AccountID string
	// OidcProviderArn is the account's identity provider for GitHub; "" creates it. An account can have only one.
	OidcProviderArn string
	// Apps are sorted by name.
	Apps []App
}

// App describes an app's repository and who may push to it.
type App struct {
	Name string
	// Repository is the ECR repository's name: 2 to 256 lower-case characters.
	Repository string
	// DeployDocument is the name of the SSM document that deploys only this app.
	DeployDocument string
	// GithubRepo is "owner/name"; "" means no role.
	GithubRepo string
	// GithubBranch is the branch whose workflow runs may use the role.
	GithubBranch string
	// GithubOwnerID and GithubRepoID are GitHub's numeric IDs, 0 if unknown. With both, the form of the subject that
	// repositories created since July 2026 use is accepted too.
	GithubOwnerID, GithubRepoID int64
}

// Ecr is the component.
type Ecr struct {
	pulumi.ResourceState

	// RepositoryURLs are the URLs to push images to, by app.
	RepositoryURLs pulumi.StringMapOutput
	// DeployRoleArns are the roles of the apps that have one, by app.
	DeployRoleArns pulumi.StringMapOutput
}

// RepositoryURL returns the URL of an app's repository, which is known before the repository exists.
func RepositoryURL(accountID, region, repository string) string {
	return contract.Registry(accountID, region) + "/" + repository
}

// RepositoryArn returns the repository's ARN, which is known before the repository exists.
func RepositoryArn(accountID, region, repository string) string {
	return "arn:aws:ecr:" + region + ":" + accountID + ":repository/" + repository
}

// New registers a repository for each app and a role for each app with a GitHub repository.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Ecr, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	component := &Ecr{}
	if err := ctx.RegisterComponentResourceV2(TypeToken, name, pulumi.Map{}, component, opts...); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	parent := pulumi.Parent(component)
	urls, roles := pulumi.StringMap{}, pulumi.StringMap{}
	for _, app := range args.Apps {
		// Named after the repository and not the app: an app that is renamed keeps its repository, and apps can swap theirs.
		// Otherwise Pulumi would first create a second repository with the same name, which ECR refuses.
		repository, err := args.newRepository(ctx, name+"-"+app.Repository, app, parent)
		if err != nil {
			return nil, err
		}
		urls[app.Name] = repository.RepositoryUrl
	}
	if err := args.makeRoles(ctx, name, roles, parent); err != nil {
		return nil, err
	}
	component.RepositoryURLs = urls.ToStringMapOutput()
	component.DeployRoleArns = roles.ToStringMapOutput()
	return component, ctx.RegisterResourceOutputs(component, pulumi.Map{
		"repositoryUrls": component.RepositoryURLs,
		"deployRoleArns": component.DeployRoleArns,
	})
}

func (a *Args) makeRoles(ctx *pulumi.Context, name string, roles pulumi.StringMap, parent pulumi.ResourceOption) error {
	var provider pulumi.StringInput
	for _, app := range a.Apps {
		if app.GithubRepo == "" {
			continue
		}
		if provider == nil {
			var err error
			if provider, err = a.oidcProvider(ctx, name, parent); err != nil {
				return err
			}
		}
		role, err := a.newDeployRole(ctx, name+"-"+app.Name+"-deploy", app, provider, parent)
		if err != nil {
			return err
		}
		roles[app.Name] = role.Arn
	}
	return nil
}

// oidcProvider returns the given identity provider, or a new one.
func (a *Args) oidcProvider(
	ctx *pulumi.Context, name string, parent pulumi.ResourceOption,
) (pulumi.StringInput, error) {
	if a.OidcProviderArn != "" {
		return pulumi.String(a.OidcProviderArn), nil
	}
	provider, err := iam.NewOpenIdConnectProvider(ctx, name+"-github", &iam.OpenIdConnectProviderArgs{
		Url:           pulumi.String("https://" + githubIssuer),
		ClientIdLists: pulumi.StringArray{pulumi.String(stsAudience)},
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register GitHub's identity provider: %w", err)
	}
	return provider.Arn, nil
}

// repositoryPart matches what ECR accepts between slashes.
const repositoryPart = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`

// repositoryName matches what ECR accepts, apart from the limit of 2 to 256 characters.
var repositoryName = regexp.MustCompile(`^` + repositoryPart + `(?:/` + repositoryPart + `)*$`)

func (a *Args) check() error {
	var problems []error
	for _, app := range a.Apps {
		if n := len(app.Repository); n < 2 || n > 256 || !repositoryName.MatchString(app.Repository) {
			problems = append(problems, fmt.Errorf("name the repository of %s %q: ECR accepts 2 to 256 lower-case letters, "+
				"digits and separators", app.Name, app.Repository))
		}
		if app.GithubRepo != "" && app.GithubBranch == "" {
			problems = append(problems, fmt.Errorf("create the deploy role of %s: set the branch that deploys", app.Name))
		}
	}
	return errors.Join(problems...)
}

func (a *Args) newRepository(
	ctx *pulumi.Context, name string, app App, parent pulumi.ResourceOption,
) (*ecr.Repository, error) {
	repository, err := ecr.NewRepository(ctx, name, &ecr.RepositoryArgs{
		Name: pulumi.String(app.Repository),
		// A tag always names the same image, so that the previous release stays what it was.
		ImageTagMutability: pulumi.String("IMMUTABLE"),
		ImageScanningConfiguration: &ecr.RepositoryImageScanningConfigurationArgs{
			ScanOnPush: pulumi.Bool(true),
		},
		// Images can be built again; without this, an app could not be removed from the config.
		ForceDelete: pulumi.Bool(true),
		Tags: pulumi.StringMap{
			"App": pulumi.String(app.Name),
			// The host may pull and pin images in repositories with this tag.
			contract.TagStack: pulumi.String(contract.StackTagValue(a.Project, a.Stack)),
		},
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register the repository of %s: %w", app.Name, err)
	}
	_, err = ecr.NewLifecyclePolicy(ctx, name, &ecr.LifecyclePolicyArgs{
		Repository: repository.Name,
		Policy:     pulumi.String(lifecyclePolicy),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register the lifecycle policy of %s: %w", app.Name, err)
	}
	return repository, nil
}
