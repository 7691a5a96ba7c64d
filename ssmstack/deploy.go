package ssmstack

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/ssmdoc"
	"webstack/templates"
)

// tagPattern matches the image tags that Docker allows.
const tagPattern = `^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`

// newDeploy registers the document that deploys an app. The host program does not have this command yet, so the
// document says how to release a version until then.
func (a *Args) newDeploy(ctx *pulumi.Context, name, app string, parent pulumi.ResourceOption) (*ssm.Document, error) {
	release := contract.AppReleaseParam(contract.BasePath(a.Project, a.Stack), app)
	document := ssmdoc.Document{
		Description: "Says how a release of " + app + " is put live until this document deploys it",
		Parameters: map[string]ssmdoc.Parameter{
			"tag": {Description: "Tag of the image to deploy", Pattern: tagPattern},
		},
		Steps: []ssmdoc.Step{{
			Name: "deploy", TimeoutSeconds: 900 + a.ChangeSeconds[app],
			Script: ssmdoc.Script(templates.Script{Reason: "this version cannot deploy with a document yet: nothing was changed. Set the release with " +
				"aws ssm put-parameter --overwrite --type String --name " + release + " --value TAG, " +
				"and the host runs it within 30 minutes"}.Refuse()),
		}},
	}
	return document.Register(ctx, name+"-deploy-"+app, contract.DocumentName(a.Project, a.Stack, contract.DocDeploy, app), parent)
}
