package stack

import (
	"maps"
	"slices"

	"webstack/appcompose/render"
	"webstack/config"
	"webstack/contract"
	"webstack/ecr"
)

// RenderInput returns what the rendered files of a stack depend on.
func RenderInput(c *config.Config, project, stack, region, account string) render.Input {
	memory, known := c.HostMemoryMb()
	in := render.Input{
		Project: project, Stack: stack, Region: region, StackDir: c.StackDir,
		InstanceType: c.InstanceType, HostMemoryMb: memory, HostMemoryKnown: known, DataVolumeGiB: c.DataVolumeSize,
		ExternalPostgres: c.EnableExternalPostgres, PostgresUser: c.PostgresUser, PostgresDefaultDb: c.PostgresDefaultDb,
		PostgresConnections: c.PostgresConnections(), EdgeSubnet: contract.EdgeSubnet,
		ActiveApp: c.ActiveApp, CaddyEmail: c.CaddyEmail, Acme: c.Acme, AccessLog: c.AccessLog,
		Notify: contract.Notify{Slack: c.SlackWebhookURL != ""},
	}
	if c.ResendAPIKey != "" {
		in.Notify.EmailFrom, in.Notify.EmailTo = c.ResendFrom, c.AlarmEmail
	}
	for _, app := range c.Apps {
		in.Apps = append(in.Apps, render.App{
			Name: app.Name, Domain: app.Domain, Aliases: app.Aliases, Proxied: app.CfProxied,
			Repository: ecr.RepositoryURL(account, region, app.RepoName),
			Port:       app.ContainerPort, HealthPath: app.HealthPath,
			MemoryMb: app.MemoryMb, DbConnections: app.DbConnections, Init: app.Init,
			StartTimeoutSeconds: app.StartTimeoutSeconds, DrainTimeoutSeconds: app.DrainTimeoutSeconds,
			StopGraceSeconds: app.StopGraceSeconds,
			ReleaseCommand:   app.ReleaseCommand, ReleaseTimeoutSeconds: app.ReleaseTimeoutSeconds,
			EnvPlain: app.EnvPlain, SecureEnv: slices.Sorted(maps.Keys(app.EnvSecure)),
		})
	}
	return in
}
