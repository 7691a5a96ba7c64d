package ssmstack

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
)

// TypeToken is the component's type.
const TypeToken = "webstack:ssmstack:SsmStack"

// Args describe the host and how to keep it up to date.
type Args struct {
	// Project and Stack name the documents and the tag by which the host is found.
	Project, Stack string
	// Region is where the artifacts bucket is.
	Region string
	// StackDir is the stack directory on the host.
	StackDir string
	// DataVolumeID is the volume that the host mounts.
	DataVolumeID pulumi.StringInput
	// Bucket is the artifacts bucket.
	Bucket pulumi.StringInput
	// ManifestSHA256 and HostProgramSHA256 are the checksums of what the host should apply. A change of either is
	// applied at once.
	ManifestSHA256, HostProgramSHA256 string
	// Published is what must be in the bucket before the document runs, Host is what the host needs to run it.
	Published, Host []pulumi.Resource
	// Apps are the names of the apps, sorted.
	Apps []string
	// ChangeSeconds are how long replacing each app's container may take by the app's own limits, from its start to the
	// end of the old one, by app. Pulling its image takes additional time. DeploySeconds is the same with its release
	// command.
	ChangeSeconds, DeploySeconds map[string]int
	// InstanceID is the ID of the host.
	InstanceID pulumi.StringInput
}

// SsmStack is the component.
type SsmStack struct {
	pulumi.ResourceState

	// ConvergeDocument is the name of the document that applies the bundle to the host.
	ConvergeDocument pulumi.StringOutput
	// DeployDocuments are the names of the documents that deploy, by app. Each app has one, so that the right to run it is
	// the right to deploy that app.
	DeployDocuments pulumi.StringMapOutput
	// StatusDocument and LogsDocument are the names of the documents that print the host's status, and what an app wrote.
	StatusDocument, LogsDocument pulumi.StringOutput
	// MaintenanceDocument is the name of the document that puts apps into maintenance.
	MaintenanceDocument pulumi.StringOutput
}

// New registers the documents and the association.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*SsmStack, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	out := &SsmStack{}
	if err := ctx.RegisterComponentResourceV2(TypeToken, name, pulumi.Map{
		"manifestSha256": pulumi.String(args.ManifestSHA256),
	}, out, opts...); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	parent := pulumi.Parent(out)
	converge, err := args.newConverge(ctx, name, parent)
	if err != nil {
		return nil, err
	}
	deploys := pulumi.StringMap{}
	for _, app := range args.Apps {
		document, err := args.newDeploy(ctx, name, app, parent)
		if err != nil {
			return nil, err
		}
		deploys[app] = document.Name
	}
	if err := args.newInstance(ctx, name, parent); err != nil {
		return nil, err
	}
	maintenance, err := args.newMaintenance(ctx, name, parent)
	if err != nil {
		return nil, err
	}
	status, logs, err := args.newInspection(ctx, name, parent)
	if err != nil {
		return nil, err
	}
	out.ConvergeDocument, out.StatusDocument, out.LogsDocument = converge.Name, status.Name, logs.Name
	out.MaintenanceDocument = maintenance.Name
	out.DeployDocuments = deploys.ToStringMapOutput()
	return out, ctx.RegisterResourceOutputs(out, pulumi.Map{
		"convergeDocument":    out.ConvergeDocument,
		"deployDocuments":     out.DeployDocuments,
		"statusDocument":      out.StatusDocument,
		"logsDocument":        out.LogsDocument,
		"maintenanceDocument": out.MaintenanceDocument,
	})
}

// check reports all problems in the arguments. What it accepts can be used between single quotes in a script.
func (a *Args) check() error {
	var problems []error
	add := func(what string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("use the %s: %w", what, err))
		}
	}
	add("manifest's sum", contract.CheckSHA256(a.ManifestSHA256))
	add("host program's sum", contract.CheckSHA256(a.HostProgramSHA256))
	add("stack directory", contract.CheckStackDir(a.StackDir))
	add("region", contract.CheckRegion(a.Region))
	for _, app := range a.Apps {
		add("app's name", contract.CheckAppName(app))
	}
	return errors.Join(problems...)
}
