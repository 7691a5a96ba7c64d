package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate"
	"webstack/templates/workflow"
)

func (o *operator) appsWorkflowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "workflow APP", Short: "Print the GitHub Actions workflow that deploys an app on each push",
		Long: `Prints a workflow for the app's GitHub repository. On each push to the app's branch it builds the image, pushes it and
deploys it. It contains no secrets. The app needs githubRepo in the stack file; the host need not be running.

docs/deploy-from-github.md says how to set it up.`,
		Example: "  webstack apps workflow shop > ../shop/.github/workflows/deploy.yml",
		Args:    command.Args("APP"), ValidArgsFunction: o.firstArgument(o.completeApps),
		RunE: o.runs(func(ctx context.Context, args []string) error { return o.runAppsWorkflow(ctx, args[0]) }),
	}
}

// workflowJSON is what --json prints.
type workflowJSON struct {
	Stack    string `json:"stack"`
	App      string `json:"app"`
	Workflow string `json:"workflow"`
}

func (o *operator) runAppsWorkflow(ctx context.Context, name string) error {
	stack, err := o.open(ctx)
	if err != nil {
		return err
	}
	app, err := stack.App(name)
	if err != nil {
		return err
	}
	text, err := appWorkflow(stack, app)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(workflowJSON{o.stack, app.Name, string(text)})
	}
	if _, err := o.Out.Write(text); err != nil {
		return fmt.Errorf("print the workflow of %s: %w", app.Name, err)
	}
	return nil
}

// appWorkflow returns the workflow of an app.
func appWorkflow(s *operate.Stack, app config.App) ([]byte, error) {
	if app.GithubRepo == "" {
		return nil, fmt.Errorf("write the workflow of %[1]s: it has no githubRepo in the stack file, so no repository may "+
			"deploy it; add githubRepo to apps.%[1]s, then run pulumi up --stack %[2]s", app.Name, s.Name)
	}
	return workflow.App{
		Name: app.Name, Stack: s.Name, URL: "https://" + app.Domain, GithubRepo: app.GithubRepo, Branch: app.GithubBranch,
		Arch: s.Config.Arch(), Region: s.Region, RoleArn: contract.DeployRoleArn(s.Account, s.Project, s.Name, app.Name),
		Registry: contract.Registry(s.Account, s.Region), Repository: app.RepoName,
		Document:      s.Document(contract.DocDeploy, app.Name),
		InstanceParam: contract.InstanceParam(contract.BasePath(s.Project, s.Name)),
		DeployMinutes: deployMinutes(app),
	}.Text()
}

// deployMinutes is how long a workflow waits for a deploy: longer than the host lets it run, so that the host's own
// explanation is seen.
func deployMinutes(app config.App) int {
	const spare = 5
	return (contract.DeployOverheadSeconds+app.DeploySeconds()+59)/60 + spare
}
