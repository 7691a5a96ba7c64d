package ecr

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/iampolicy"
)

const (
	githubIssuer = "token.actions.githubusercontent.com"
	stsAudience  = "sts.amazonaws.com"
)

func (a *Args) newDeployRole(
	ctx *pulumi.Context, name string, app App, provider pulumi.StringInput, parent pulumi.ResourceOption,
) (*iam.Role, error) {
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name:             pulumi.String(contract.DeployRoleName(a.Project, a.Stack, app.Name)),
		Description:      pulumi.String("Lets " + app.GithubRepo + " push images of " + app.Name + " and deploy them"),
		AssumeRolePolicy: trust(app, provider),
		Tags:             pulumi.StringMap{"App": pulumi.String(app.Name)},
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register the deploy role of %s: %w", app.Name, err)
	}
	_, err = iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Name:   pulumi.String("deploy"),
		Role:   role.Name,
		Policy: a.permissions(app),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register the deploy policy of %s: %w", app.Name, err)
	}
	return role, nil
}

// trust lets workflow runs of one branch of one repository assume the role.
func trust(app App, provider pulumi.StringInput) pulumi.StringOutput {
	return iampolicy.Document(iampolicy.Statement{
		Principal: map[string]any{"Federated": provider},
		Action:    []string{"sts:AssumeRoleWithWebIdentity"},
		Condition: iampolicy.Condition{"StringEquals": {
			githubIssuer + ":aud": {stsAudience},
			githubIssuer + ":sub": subjects(app),
		}},
	})
}

// subjects returns the forms in which GitHub names the branch: by names and, for repositories created, renamed or moved
// since 15 July 2026, by names and IDs. There is no wildcard: it would match repositories of others.
func subjects(app App) []string {
	ref := ":ref:refs/heads/" + app.GithubBranch
	out := []string{"repo:" + app.GithubRepo + ref}
	if app.GithubOwnerID != 0 && app.GithubRepoID != 0 {
		owner, repo, _ := strings.Cut(app.GithubRepo, "/")
		out = append(out, fmt.Sprintf("repo:%s@%d/%s@%d%s", owner, app.GithubOwnerID, repo, app.GithubRepoID, ref))
	}
	return out
}

// permissions are what the role may do: push to its repository and run the deploy document on this stack's hosts.
// Sending a command is authorised on the document and on the instance. These are two statements, because the condition
// on the instance's tag would otherwise also apply to the document.
func (a *Args) permissions(app App) pulumi.StringOutput {
	return iampolicy.Document(
		iampolicy.Statement{
			Sid:    "Login",
			Action: []string{"ecr:GetAuthorizationToken"}, Resource: []any{"*"}, // does not support a resource
		},
		iampolicy.Statement{
			Sid: "Push",
			Action: []string{
				"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
				"ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
			},
			Resource: []any{RepositoryArn(a.AccountID, a.Region, app.Repository)},
		},
		iampolicy.Statement{
			Sid:      "DeployDocument",
			Action:   []string{"ssm:SendCommand"},
			Resource: []any{"arn:aws:ssm:" + a.Region + ":" + a.AccountID + ":document/" + app.DeployDocument},
		},
		iampolicy.Statement{
			Sid:      "DeployHost",
			Action:   []string{"ssm:SendCommand"},
			Resource: []any{"arn:aws:ec2:" + a.Region + ":" + a.AccountID + ":instance/*"},
			Condition: iampolicy.Condition{"StringEquals": {
				"ssm:resourceTag/" + contract.TagStack: {contract.StackTagValue(a.Project, a.Stack)},
			}},
		},
		iampolicy.Statement{
			Sid:    "FindHost",
			Action: []string{"ssm:GetParameter"},
			Resource: []any{"arn:aws:ssm:" + a.Region + ":" + a.AccountID + ":parameter" +
				contract.InstanceParam(contract.BasePath(a.Project, a.Stack))},
		},
		// This action supports neither resources nor conditions either. But it needs the ID of a command, a random number
		// that only the sender knows. Actions that list commands or their IDs, such as ssm:ListCommandInvocations, would
		// show the output of every other command on the host and are left out.
		iampolicy.Statement{
			Sid:    "Follow",
			Action: []string{"ssm:GetCommandInvocation"}, Resource: []any{"*"},
		},
	)
}
