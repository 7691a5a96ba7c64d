package ssmstack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/ssmdoc"
)

// newDeploy registers the document that deploys an app. It is the only way to deploy: the operator's command, workflows
// and people with the AWS CLI all run it.
func (a *Args) newDeploy(ctx *pulumi.Context, name, app string, parent pulumi.ResourceOption) (*ssm.Document, error) {
	nothing, deploy := "", "deploy"
	parameters := ssmdoc.Followed(map[string]ssmdoc.Parameter{
		"action": {
			Description: "deploy, rollback, or watch to print what a running deploy has printed",
			Pattern:     "^(?:deploy|rollback|watch)$", Default: &deploy,
		},
		"release": {
			Description: "Tag or digest of the image to deploy: TAG, TAG@sha256:DIGEST or sha256:DIGEST; " +
				"nothing to roll back to the previous release",
			Pattern: ssmdoc.Optional(contract.ReleasePattern), Default: &nothing,
		},
		"caller": {Description: "ARN of who deploys, for the list of releases", Pattern: ssmdoc.Optional(contract.CallerPattern), Default: &nothing},
		"commit": {Description: "Commit of the app, for the list of releases", Pattern: ssmdoc.Optional(contract.CommitPattern), Default: &nothing},
		"run":    {Description: "URL of the workflow run, for the list of releases", Pattern: ssmdoc.Optional(contract.RunPattern), Default: &nothing},
	})
	script := a.script()
	script.App = app
	document := ssmdoc.Document{
		Description: "Deploys " + app + " without an interruption, or rolls it back",
		Parameters:  parameters,
		Steps: []ssmdoc.Step{{
			Name: "deploy", TimeoutSeconds: contract.DeployOverheadSeconds + a.DeploySeconds[app],
			Script: ssmdoc.Script(script.Deploy(), "action", "release", "caller", "commit", "run", "command", "from"),
		}},
	}
	return document.Register(ctx, name+"-deploy-"+app, contract.DocumentName(a.Project, a.Stack, contract.DocDeploy, app), parent)
}

// newInstance registers the parameter by which workflows find the host.
func (a *Args) newInstance(ctx *pulumi.Context, name string, parent pulumi.ResourceOption) error {
	_, err := ssm.NewParameter(ctx, name+"-instance", &ssm.ParameterArgs{
		Name: pulumi.String(contract.InstanceParam(contract.BasePath(a.Project, a.Stack))),
		Type: pulumi.String("String"),
		// Anyone who may look at the stack sees it.
		InsecureValue: a.InstanceID,
	}, parent)
	if err != nil {
		return fmt.Errorf("register the parameter with the instance: %w", err)
	}
	return nil
}

// newMaintenance registers the document that puts apps into maintenance.
func (a *Args) newMaintenance(ctx *pulumi.Context, name string, parent pulumi.ResourceOption) (*ssm.Document, error) {
	nothing := ""
	return ssmdoc.Document{
		Description: "Puts an app into maintenance, or takes it out: visitors get a page with status 503",
		Parameters: map[string]ssmdoc.Parameter{
			"app":     {Description: "Name of the app", Pattern: contract.AppNamePattern},
			"state":   {Description: "on or off", Pattern: "^(?:on|off)$"},
			"message": {Description: "What visitors read, in base64", Pattern: "^[A-Za-z0-9+/=]*$", Default: &nothing},
		},
		Steps: []ssmdoc.Step{{
			Name: "maintenance", TimeoutSeconds: 900,
			Script: ssmdoc.Script(a.script().Maintenance(), "app", "state", "message"),
		}},
	}.Register(ctx, name+"-maintenance", contract.DocumentName(a.Project, a.Stack, contract.DocMaintenance), parent)
}
