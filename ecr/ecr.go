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

// Args say what repositories and roles to make.
type Args struct {
	// Project and Stack name the roles and the tag of the hosts that a deploy may reach.
	Project, Stack string
	// Region and AccountID are where the repositories live.
	Region, AccountID string
	// OidcProviderArn is the account's identity provider for GitHub; "" makes one. An account can have only one.
	OidcProviderArn string
	// Apps are sorted by name.
	Apps []App
}

// App is one app's repository, and who may push to it.
type App struct {
	Name string
	// Repository is the ECR repository's name: 2 to 256 lower-case characters.
	Repository string
	// DeployDocument is the name of the SSM document that deploys this app and no other.
	DeployDocument string
	// GithubRepo is "owner/name"; "" makes no role.
	GithubRepo string
	// GithubBranch is the branch whose workflow runs may use the role.
	GithubBranch string
	// GithubOwnerID and GithubRepoID are GitHub's numbers; with both, the subject form of repositories created since
	// July 2026 is accepted too. 0 when not known.
	GithubOwnerID, GithubRepoID int64
}

// Ecr is the component.
type Ecr struct {
	pulumi.ResourceState

	// RepositoryURLs are what images are pushed to, by app.
	RepositoryURLs pulumi.StringMapOutput
	// DeployRoleArns are the roles, by app that has one.
	DeployRoleArns pulumi.StringMapOutput
}

// RepositoryURL is where an app's images are, known before the repository exists.
func RepositoryURL(accountID, region, repository string) string {
	return accountID + ".dkr.ecr." + region + ".amazonaws.com/" + repository
}

// RepositoryArn is the repository's ARN, known before the repository exists.
func RepositoryArn(accountID, region, repository string) string {
	return "arn:aws:ecr:" + region + ":" + accountID + ":repository/" + repository
}

// New registers a repository per app and the roles of those that have a GitHub repository.
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
		// By the repository and not by the app: an app that is renamed keeps its repository, and two that swap theirs do.
		// A second one of the same name would otherwise be made first, which ECR refuses.
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

// oidcProvider is the given identity provider, or a new one.
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

// repositoryPart is what ECR accepts between slashes.
const repositoryPart = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`

// repositoryName is what ECR accepts, of 2 to 256 characters.
var repositoryName = regexp.MustCompile(`^` + repositoryPart + `(?:/` + repositoryPart + `)*$`)

func (a *Args) check() error {
	var problems []error
	for _, app := range a.Apps {
		if n := len(app.Repository); n < 2 || n > 256 || !repositoryName.MatchString(app.Repository) {
			problems = append(problems, fmt.Errorf("name the repository of %s %q: ECR takes 2 to 256 lower-case letters, "+
				"digits and separators", app.Name, app.Repository))
		}
		if app.GithubRepo != "" && app.GithubBranch == "" {
			problems = append(problems, fmt.Errorf("make the deploy role of %s: name the branch that deploys", app.Name))
		}
	}
	return errors.Join(problems...)
}

func (a *Args) newRepository(
	ctx *pulumi.Context, name string, app App, parent pulumi.ResourceOption,
) (*ecr.Repository, error) {
	repository, err := ecr.NewRepository(ctx, name, &ecr.RepositoryArgs{
		Name: pulumi.String(app.Repository),
		// A tag names one image for ever, so "the release before" is what it was.
		ImageTagMutability: pulumi.String("IMMUTABLE"),
		ImageScanningConfiguration: &ecr.RepositoryImageScanningConfigurationArgs{
			ScanOnPush: pulumi.Bool(true),
		},
		// Images can be built again; without this, an app could not be taken out of the config.
		ForceDelete: pulumi.Bool(true),
		Tags: pulumi.StringMap{
			"App": pulumi.String(app.Name),
			// The host may pull from repositories with this tag.
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
