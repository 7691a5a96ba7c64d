package verify

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

var registryChecks = []check{
	{phase: 8, name: "registry.repositories", looked: "the apps' ECR repositories", when: hasApps, run: checkRepositories},
	{phase: 8, name: "registry.roles", looked: "the deploy roles", when: hasGithub, run: checkRoles},
	{phase: 8, name: "registry.documents", looked: "the deploy documents", when: hasApps, run: checkDeployDocuments},
}

func hasGithub(c *config.Config) bool {
	return slices.ContainsFunc(c.Apps, func(app config.App) bool { return app.GithubRepo != "" })
}

func checkRepositories(ctx context.Context, w *world) ([]finding, error) {
	return w.eachApp(func(app config.App) []finding {
		answer, err := w.ecr.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{app.RepoName}})
		switch {
		case operate.HasCode(err, "RepositoryNotFoundException"), err == nil && len(answer.Repositories) == 0:
			return []finding{failed(app.Name, w.again(), "there is no repository %s", app.RepoName)}
		case err != nil:
			return []finding{failed(app.Name, "fix it and run verify again", "%v",
				operate.Explain("look at repository "+app.RepoName, err))}
		}
		return []finding{w.repository(ctx, app, answer.Repositories[0])}
	}), nil
}

func (w *world) repository(ctx context.Context, app config.App, repository types.Repository) finding {
	scan := repository.ImageScanningConfiguration
	switch {
	case repository.ImageTagMutability != types.ImageTagMutabilityImmutable:
		return failed(app.Name, w.again(), "tags of %s can be overwritten (%s)", app.RepoName, repository.ImageTagMutability)
	case scan == nil || !scan.ScanOnPush:
		return failed(app.Name, w.again(), "images of %s are not scanned", app.RepoName)
	}
	_, err := w.ecr.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &app.RepoName})
	switch {
	case operate.HasCode(err, "LifecyclePolicyNotFoundException"):
		return failed(app.Name, w.again(), "images of %s never expire", app.RepoName)
	case err != nil:
		return failed(app.Name, "fix it and run verify again", "%v",
			operate.Explain("read the lifecycle policy of "+app.RepoName, err))
	}
	return passed(app.Name, "%s: immutable tags, scanned, old images expire", app.RepoName)
}

func checkRoles(ctx context.Context, w *world) ([]finding, error) {
	return w.eachApp(func(app config.App) []finding {
		if app.GithubRepo == "" {
			return nil
		}
		name := contract.DeployRoleName(w.project, w.stack, app.Name)
		answer, err := w.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		switch {
		case operate.HasCode(err, "NoSuchEntity"):
			return []finding{failed(app.Name, w.again(), "there is no role %s", name)}
		case err != nil:
			return []finding{failed(app.Name, "fix it and run verify again", "%v", operate.Explain("look at role "+name, err))}
		}
		branch := "repo:" + app.GithubRepo + ":ref:refs/heads/" + app.GithubBranch
		if subjects := trusted(aws.ToString(answer.Role.AssumeRolePolicyDocument)); !slices.Contains(subjects, branch) {
			return []finding{failed(app.Name, w.again(), "%s trusts %s, not %s", name, orNobody(subjects), branch)}
		}
		return []finding{passed(app.Name, "%s for %s, branch %s", name, app.GithubRepo, app.GithubBranch)}
	}), nil
}

func orNobody(subjects []string) string {
	if len(subjects) == 0 {
		return "nobody at GitHub"
	}
	return strings.Join(subjects, ", ")
}

// trusted returns the GitHub subjects that a trust policy allows. IAM returns the policy URL-encoded.
func trusted(policy string) []string {
	if text, err := url.QueryUnescape(policy); err == nil {
		policy = text
	}
	var document struct {
		Statement []struct {
			Effect    string
			Condition map[string]map[string]any
		}
	}
	if json.Unmarshal([]byte(policy), &document) != nil {
		return nil
	}
	var out []string
	for _, statement := range document.Statement {
		if statement.Effect != "Allow" {
			continue
		}
		switch value := statement.Condition["StringEquals"]["token.actions.githubusercontent.com:sub"].(type) {
		case string:
			out = append(out, value)
		case []any:
			for _, one := range value {
				if text, ok := one.(string); ok {
					out = append(out, text)
				}
			}
		}
	}
	return out
}

func checkDeployDocuments(ctx context.Context, w *world) ([]finding, error) {
	return w.eachApp(func(app config.App) []finding {
		return []finding{w.document(ctx, app.Name, contract.DocDeploy, app.Name)}
	}), nil
}
