package ssmstack

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/ssmdoc"
	"webstack/templates"
)

const (
	// reassert is how often the bundle is applied even if nothing changed; it is State Manager's shortest rate. An
	// association without a schedule would never run again after a failure.
	reassert = "rate(30 minutes)"
)

// newConverge registers the document and its association. Installing Docker and applying the bundle are steps of one
// document, because the order of two associations is undefined.
func (a *Args) newConverge(ctx *pulumi.Context, name string, parent pulumi.ResourceOption) (*ssm.Document, error) {
	document, err := a.converge().Register(ctx, name+"-converge", contract.DocumentName(a.Project, a.Stack, contract.DocConverge), parent)
	if err != nil {
		return nil, err
	}
	_, err = ssm.NewAssociation(ctx, name+"-converge", &ssm.AssociationArgs{
		Name:            document.Name,
		AssociationName: pulumi.String(contract.DocumentName(a.Project, a.Stack, contract.DocConverge)),
		DocumentVersion: pulumi.String("$DEFAULT"),
		Targets:         ssmdoc.Target(a.Project, a.Stack),
		Parameters: pulumi.StringMap{
			"dataVolumeId":      a.DataVolumeID,
			"bucket":            a.Bucket,
			"manifestSha256":    pulumi.String(a.ManifestSHA256),
			"hostProgramSha256": pulumi.String(a.HostProgramSHA256),
		},
		ScheduleExpression: pulumi.String(reassert),
		ComplianceSeverity: pulumi.String("HIGH"),
	}, parent, pulumi.DependsOn(slices.Concat(a.Published, a.Host)))
	if err != nil {
		return nil, fmt.Errorf("register the association that applies the bundle: %w", err)
	}
	return document, nil
}

// converge mounts the data volume before it installs or starts Docker, because Docker does not start without it.
func (a *Args) converge() ssmdoc.Document {
	script := a.script()
	mount := ssmdoc.Script(script.Mount(), "bucket", "hostProgramSha256", "dataVolumeId")
	converge := ssmdoc.Script(script.Converge(), "dataVolumeId", "bucket", "manifestSha256")
	return ssmdoc.Document{
		Description: "Makes the host of the stack what its bundle says: data volume, Docker, files, services",
		Parameters: map[string]ssmdoc.Parameter{
			"dataVolumeId":      {Description: "Id of the data volume", Pattern: contract.VolumeIDPattern},
			"bucket":            {Description: "Bucket with the bundle", Pattern: contract.BucketPattern},
			"manifestSha256":    {Description: "SHA-256 of the bundle's manifest", Pattern: contract.SHA256Pattern},
			"hostProgramSha256": {Description: "SHA-256 of the host program", Pattern: contract.SHA256Pattern},
		},
		Steps: []ssmdoc.Step{
			{Name: "volume", Script: mount, TimeoutSeconds: 1800},
			{Name: "docker", Script: ssmdoc.Script(script.Docker()), TimeoutSeconds: 1800},
			{Name: "converge", Script: converge, TimeoutSeconds: a.convergeSeconds()},
		},
	}
}

// convergeSeconds is how long a run may take in which every app changes, one after the other. It is rounded up to
// hours, so that one more app or another limit rarely changes the document.
func (a *Args) convergeSeconds() int {
	const hour, most = 3600, 172800 // the maximum of Systems Manager
	seconds := hour / 2             // pulls, databases, a wait for another run
	for _, app := range a.Apps {
		seconds += a.ChangeSeconds[app]
	}
	return min((seconds+hour-1)/hour*hour, most)
}

// script is what the bodies of the scripts are filled in with.
func (a *Args) script() templates.Script {
	return templates.Script{
		Region: a.Region, StackDir: a.StackDir, HostProgram: contract.Paths{StackDir: a.StackDir}.HostProgram(),
	}
}
