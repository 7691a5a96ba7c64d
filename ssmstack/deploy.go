package ssmstack

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/ssmdoc"
)

// tagPattern is what Docker permits for the tag of an image.
const tagPattern = `^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`

func (a *Args) newDeploy(ctx *pulumi.Context, name, app string, parent pulumi.ResourceOption) (*ssm.Document, error) {
	script := ssmdoc.Script(
		"exec "+a.program()+" deploy '"+app+"' \"$tag\"\n", "tag")
	document := ssmdoc.Document{
		Description: "Deploys a release of " + app,
		Parameters: map[string]ssmdoc.Parameter{
			"tag": {Description: "Tag of the image to deploy", Pattern: tagPattern},
		},
		Steps: []ssmdoc.Step{{Name: "deploy", Script: script, TimeoutSeconds: 900 + a.ChangeSeconds[app]}},
	}
	return document.Register(ctx, name+"-deploy-"+app, DeployDocument(a.Project, a.Stack, app), parent)
}
