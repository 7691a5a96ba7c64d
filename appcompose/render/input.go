package render

import "webstack/contract"

// Input is what the rendered files depend on. All of it but the values of secrets is known before any resource
// exists, and no value of a secret gets into what is rendered. Zero values are not defaults: package config has those.
type Input struct {
	// Project and Stack are Pulumi's names of both; parameters are below /<project>/<stack>.
	Project, Stack string
	// Region is the AWS region.
	Region string
	// StackDir is the stack directory on the host.
	StackDir string
	// InstanceType is the instance type of the host, for messages.
	InstanceType string
	// HostMemoryMb is the memory of the host in MiB, and HostMemoryKnown false where it is a guess.
	HostMemoryMb    int
	HostMemoryKnown bool
	// DataVolumeGiB is the size of the data volume.
	DataVolumeGiB int
	// ExternalPostgres leaves Postgres out of the Compose file.
	ExternalPostgres bool
	// PostgresUser is the superuser, and PostgresDefaultDb the database that exists from the start.
	PostgresUser, PostgresDefaultDb string
	// PostgresConnections is how many connections the Postgres on the host takes.
	PostgresConnections int
	// EdgeSubnet is the subnet on which Caddy reaches the apps, such as contract.EdgeSubnet.
	EdgeSubnet string
	// Apps are the apps, in any order.
	Apps []App
	// ActiveApp is the app that answers at the bare IP address, "" without apps.
	ActiveApp string
	// CaddyEmail is the contact that Caddy gives to the certificate authority, "" for none.
	CaddyEmail string
	// Acme is letsencrypt, staging, internal or the https URL of an ACME directory.
	Acme string
	// Notify says where the host reports failures.
	Notify contract.Notify
	// AccessLog is one of the values that package templates names.
	AccessLog string
}

// App is an app on the host.
type App struct {
	Name   string
	Domain string
	// Aliases redirect to Domain.
	Aliases []string
	// Proxied tells that Cloudflare's proxy is in front of the app.
	Proxied bool
	// Repository is the app's image repository without tag: "<account>.dkr.ecr.<region>.amazonaws.com/<name>".
	Repository string
	// Port is the one that the app listens on, and HealthPath the path that answers when it is ready.
	Port       int
	HealthPath string
	// MemoryMb is the limit of its memory in MiB.
	MemoryMb int
	// DbConnections is how many connections to Postgres it may have; 0 is a share of what Postgres has.
	DbConnections int
	// Init makes Docker's init process 1 of the container.
	Init bool
	// StartTimeoutSeconds, DrainTimeoutSeconds and StopGraceSeconds bound a change of its container.
	StartTimeoutSeconds, DrainTimeoutSeconds, StopGraceSeconds int
	// ReleaseCommand runs before a release gets requests; empty for none. ReleaseTimeoutSeconds bounds it.
	ReleaseCommand        []string
	ReleaseTimeoutSeconds int
	// EnvPlain are the environment variables that may be read by anyone.
	EnvPlain map[string]string
	// SecureEnv are the names of those that are secret.
	SecureEnv []string
}
