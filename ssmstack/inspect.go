package ssmstack

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/ssmdoc"
)

const (
	linesPattern = `^[1-9][0-9]{0,3}$`
	// sincePattern matches an age such as 10m, or a time in RFC 3339 format.
	sincePattern = `^(?:[0-9]{1,6}[smh]|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,9})?Z)$`
)

// newInspection registers the documents that change nothing, so that users who only inspect the host need no right to
// run anything else on it.
func (a *Args) newInspection(
	ctx *pulumi.Context, name string, parent pulumi.ResourceOption,
) (status, logs *ssm.Document, err error) {
	status, err = ssmdoc.Document{
		Description: "Prints how the host of the stack and its apps are",
		Steps: []ssmdoc.Step{{
			Name:           "status",
			Script:         ssmdoc.Script(a.script().Status()),
			TimeoutSeconds: 120,
		}},
	}.Register(ctx, name+"-status", contract.DocumentName(a.Project, a.Stack, contract.DocStatus), parent)
	if err != nil {
		return nil, nil, err
	}
	// Ten years: as far back as there are logs.
	lines, since := "100", "87600h"
	logs, err = ssmdoc.Document{
		Description: "Prints the last lines that an app, caddy or postgres wrote",
		Parameters: map[string]ssmdoc.Parameter{
			"app":   {Description: "Name of an app, caddy or postgres", Pattern: contract.AppNamePattern},
			"lines": {Description: "How many lines at most", Pattern: linesPattern, Default: &lines},
			"since": {Description: "From when on: an age such as 10m, or a time in UTC", Pattern: sincePattern, Default: &since},
		},
		Steps: []ssmdoc.Step{{
			Name:           "logs",
			Script:         ssmdoc.Script(a.script().Logs(), "app", "lines", "since"),
			TimeoutSeconds: 120,
		}},
	}.Register(ctx, name+"-logs", contract.DocumentName(a.Project, a.Stack, contract.DocLogs), parent)
	return status, logs, err
}
