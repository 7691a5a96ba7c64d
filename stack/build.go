package stack

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/appcompose"
	"webstack/compute"
	"webstack/config"
	"webstack/contract"
	"webstack/database"
	"webstack/dbbackup"
	"webstack/ecr"
	"webstack/network"
	"webstack/ssmstack"
)

// builder connects the components. Each step uses the results of earlier steps.
type builder struct {
	ctx         *pulumi.Context
	config      *config.Config
	region      string
	account     string
	zones       []string // that offer the instance type
	image       string
	hostProgram string // path of webstackctl
	name        string // of every component, and the beginning of physical names
	providers   pulumi.ResourceOption

	network  *network.Network
	ecr      *ecr.Ecr
	database *database.Database // nil without enableExternalPostgres
	apps     *appcompose.AppCompose
	backup   *dbbackup.DbBackup // nil without enablePgDumpToS3
	host     *compute.Compute
	ssm      *ssmstack.SsmStack
}

// newBuilder creates the providers and looks up what the resources of the stack depend on.
func newBuilder(ctx *pulumi.Context, s *settings, hostProgram string) (*builder, error) {
	p, err := newProviders(ctx, s)
	if err != nil {
		return nil, err
	}
	b := &builder{
		ctx: ctx, config: s.config, region: s.region, image: s.config.AmiID, hostProgram: hostProgram,
		name: contract.NamePrefix(ctx.Project(), ctx.Stack()), providers: p.forComponents(),
	}
	if b.account, err = lookUpAccount(ctx, p.aws); err != nil {
		return nil, err
	}
	if b.zones, err = lookUpZones(ctx, p.aws, b.region, b.config.InstanceType); err != nil {
		return nil, err
	}
	if b.image == "" {
		b.image, err = lookUpImage(ctx, p.aws, b.config.Arch())
	}
	return b, err
}

func (b *builder) build() error {
	for _, step := range []struct {
		what string
		run  func() error
	}{
		{"network", b.buildNetwork},
		{"repositories", b.buildEcr},
		{"database", b.buildDatabase},
		{"apps", b.buildApps},
		{"backup", b.buildBackup},
		{"host", b.buildHost},
		{"documents", b.buildDocuments},
		{"DNS", b.buildDNS},
	} {
		if err := step.run(); err != nil {
			return fmt.Errorf("build the %s: %w", step.what, err)
		}
	}
	return nil
}

func (b *builder) buildNetwork() (err error) {
	b.network, err = network.New(b.ctx, b.name, &network.Args{
		NamePrefix: b.name, Region: b.region, Cidr: b.config.VpcCidr, AvailabilityZones: b.zones[:zoneCount],
		NatMode: string(b.config.NatMode), EnableIPv6: b.config.EnableIpv6,
	}, b.providers)
	return err
}

func (b *builder) buildEcr() (err error) {
	apps := make([]ecr.App, 0, len(b.config.Apps))
	for _, app := range b.config.Apps {
		apps = append(apps, ecr.App{
			Name: app.Name, Repository: app.RepoName,
			DeployDocument: contract.DocumentName(b.ctx.Project(), b.ctx.Stack(), contract.DocDeploy, app.Name),
			GithubRepo:     app.GithubRepo, GithubBranch: app.GithubBranch,
			GithubOwnerID: app.GithubOwnerID, GithubRepoID: app.GithubRepoID,
		})
	}
	b.ecr, err = ecr.New(b.ctx, b.name, &ecr.Args{
		Project: b.ctx.Project(), Stack: b.ctx.Stack(), Region: b.region, AccountID: b.account,
		OidcProviderArn: b.config.GithubOidcProviderArn, Apps: apps,
	}, b.providers)
	return err
}

// Initial size of the external database; it grows automatically.
const (
	databaseClass      = "db.t4g.micro"
	databaseStorageGiB = 20
	// maxDatabaseBackupDays is RDS's limit.
	maxDatabaseBackupDays = 35
)

func (b *builder) buildDatabase() (err error) {
	if !b.config.EnableExternalPostgres {
		return nil
	}
	b.database, err = database.New(b.ctx, b.name, &database.Args{
		NamePrefix: b.name, InstanceClass: databaseClass, StorageGiB: databaseStorageGiB,
		BackupRetentionDays: min(b.config.BackupRetentionDays, maxDatabaseBackupDays),
		User:                b.config.PostgresUser, DatabaseName: b.config.PostgresDefaultDb,
		Password: b.givenPassword(), VpcID: b.network.VpcID.ToStringOutput(), SubnetIDs: b.network.PrivateDbSubnetIDs,
	}, b.providers)
	return err
}

// givenPassword returns the superuser's password from the config, nil if one should be generated.
func (b *builder) givenPassword() pulumi.StringInput {
	if b.config.PostgresPassword == "" {
		return nil
	}
	return pulumi.ToSecret(pulumi.String(b.config.PostgresPassword.Reveal())).(pulumi.StringOutput)
}

// appSecrets returns the secret environment variables of each app.
func (b *builder) appSecrets() map[string]map[string]pulumi.StringInput {
	secrets := map[string]map[string]pulumi.StringInput{}
	for _, app := range b.config.Apps {
		secrets[app.Name] = map[string]pulumi.StringInput{}
		for name, value := range app.EnvSecure {
			secrets[app.Name][name] = pulumi.String(value.Reveal())
		}
	}
	return secrets
}

func (b *builder) buildApps() (err error) {
	args := &appcompose.Args{
		Input:       RenderInput(b.config, b.ctx.Project(), b.ctx.Stack(), b.region, b.account),
		Secrets:     b.appSecrets(),
		HostProgram: b.hostProgram, PostgresPassword: b.givenPassword(),
	}
	if b.config.SlackWebhookURL != "" {
		args.SlackWebhookURL = pulumi.String(b.config.SlackWebhookURL.Reveal())
	}
	if b.config.ResendAPIKey != "" {
		args.ResendAPIKey = pulumi.String(b.config.ResendAPIKey.Reveal())
	}
	if b.database != nil {
		args.PostgresHost, args.PostgresPassword = b.database.Endpoint, b.database.Password
	}
	b.apps, err = appcompose.New(b.ctx, b.name, args, b.providers)
	return err
}
