package stack

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/appcompose"
	"webstack/config"
	"webstack/contract"
	"webstack/ecr"
)

// RenderInput is what the rendered files of a stack depend on.
func RenderInput(c *config.Config, project, stack, region, account string) appcompose.RenderInput {
	memory, known := c.HostMemoryMb()
	in := appcompose.RenderInput{
		Project: project, Stack: stack, Region: region, StackDir: c.StackDir,
		InstanceType: c.InstanceType, HostMemoryMb: memory, HostMemoryKnown: known, DataVolumeGiB: c.DataVolumeSize,
		ExternalPostgres: c.EnableExternalPostgres, PostgresUser: c.PostgresUser, PostgresDefaultDb: c.PostgresDefaultDb,
		PostgresConnections: c.PostgresConnections(), EdgeSubnet: contract.EdgeSubnet,
		ActiveApp: c.ActiveApp, CaddyEmail: c.CaddyEmail, Acme: c.Acme, AccessLog: c.AccessLog,
	}
	for _, app := range c.Apps {
		secure := map[string]pulumi.StringInput{}
		for name, value := range app.EnvSecure {
			secure[name] = pulumi.String(value.Reveal())
		}
		in.Apps = append(in.Apps, appcompose.App{
			Name: app.Name, Domain: app.Domain, Aliases: app.Aliases, Proxied: app.CfProxied,
			Repository: ecr.RepositoryURL(account, region, app.RepoName),
			Port:       app.ContainerPort, HealthPath: app.HealthPath,
			MemoryMb: app.MemoryMb, DbConnections: app.DbConnections, Init: app.Init,
			StartTimeoutSeconds: app.StartTimeoutSeconds, DrainTimeoutSeconds: app.DrainTimeoutSeconds,
			StopGraceSeconds: app.StopGraceSeconds,
			ReleaseCommand:   app.ReleaseCommand, ReleaseTimeoutSeconds: app.ReleaseTimeoutSeconds,
			EnvPlain: app.EnvPlain, EnvSecure: secure,
		})
	}
	return in
}
