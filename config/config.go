package config

// Namespace is the namespace of Webstack's own keys, and the name of the Pulumi project.
const Namespace = "webstack"

// NatMode says how the private-app subnets reach the internet.
type NatMode string

// The NAT modes.
const (
	NatNone    NatMode = "none"    // not at all
	NatGateway NatMode = "gateway" // through one NAT gateway, which costs about 33 dollars a month
)

// What Caddy logs of each request.
const (
	AccessLogRedacted = "redacted" // no query values, and only the headers User-Agent and Referer
	AccessLogFull     = "full"     // everything except what Caddy always leaves out: cookies and the Authorization headers
	AccessLogOff      = "off"      // nothing; errors are still logged, redacted
)

// Config is a stack's config with defaults filled in, as Load returns it. The tables in keys.go and appfields.go
// say what each field means and which values it allows.
type Config struct {
	InstanceType   string // resolved: never "local"
	UseEip         bool
	RootVolumeSize int // GiB
	DataVolumeSize int // GiB
	StackDir       string
	SSHAllowedCidr string // "" = port 22 stays closed
	VpcCidr        string
	NatMode        NatMode
	EnableIpv6     bool
	AmiID          string // "" = look up Ubuntu 24.04 for the architecture

	PostgresUser           string
	PostgresPassword       Secret // "" = generate one
	PostgresDefaultDb      string
	EnableExternalPostgres bool

	Apps      []App  // sorted by name
	ActiveApp string // resolved: "" only if there are no apps

	CaddyEmail string
	Acme       string // letsencrypt, staging, internal or an https directory URL
	AccessLog  string // AccessLogRedacted, AccessLogFull or AccessLogOff

	EnablePgDumpToS3    bool
	DbBackupBucketName  string // "" = named by Pulumi
	BackupSchedule      Schedule
	BackupRetentionDays int

	AlarmEmail      string // "" = no e-mails
	SlackWebhookURL Secret // "" = no messages to Slack
	ResendAPIKey    Secret // "" = no e-mails by Resend
	ResendFrom      string // "" only without ResendAPIKey

	AWS AWS

	EnableDns             bool
	CloudflareAPIToken    Secret
	GithubOidcProviderArn string // "" = create the account's provider
}

// AWS says how to access AWS: the values of the keys of the namespace aws.
type AWS struct {
	Region                    string
	Profile                   string   // "" = credentials of the environment
	AssumeRoleArn             string   // "" = none
	AllowedAccountIDs         []string // empty = any
	S3UsePathStyle            *bool    // nil in these three: the provider's default
	SkipCredentialsValidation *bool
	SkipMetadataAPICheck      *bool
}

// App is one app on the host, with its environment merged in from appEnvPlain and appEnvSecure.
type App struct {
	Name       string
	Domain     string
	Zone       string // Cloudflare zone that holds Domain and Aliases; "" only without enableDns
	RecordName string // Domain relative to Zone, "@" at the apex; "" without a zone
	Aliases    []string
	CfProxied  bool
	CfTtl      int // seconds; 1 = Cloudflare's automatic TTL

	RepoName      string
	GithubRepo    string // owner/name; "" = no deploy role
	GithubBranch  string
	GithubOwnerID int64 // 0 = not known
	GithubRepoID  int64 // 0 = not known

	ContainerPort int
	HealthPath    string
	MemoryMb      int // MiB
	DbConnections int // 0 = a share of the remaining connections

	Init                bool // Docker's init is process 1
	StartTimeoutSeconds int  // until HealthPath answers
	DrainTimeoutSeconds int  // until the requests in flight are finished
	StopGraceSeconds    int  // from SIGTERM to SIGKILL

	ReleaseCommand        []string // runs before a release gets requests; empty = none
	ReleaseTimeoutSeconds int      // until it ends

	EnvPlain  map[string]string
	EnvSecure map[string]Secret
}

// ChangeSeconds is how long replacing the app's container may take by its own limits, from the start of the new one to
// the end of the old one.
func (a App) ChangeSeconds() int {
	return a.StartTimeoutSeconds + a.DrainTimeoutSeconds + a.StopGraceSeconds
}

// DeploySeconds is how long a deploy of the app may take by its own limits.
func (a App) DeploySeconds() int {
	if len(a.ReleaseCommand) == 0 {
		return a.ChangeSeconds()
	}
	return a.ReleaseTimeoutSeconds + a.ChangeSeconds()
}

// input is the content of the stack file before it is resolved: the config, and the environments of the apps.
type input struct {
	Config
	role      assumeRole
	envPlain  plainEnvs
	envSecure secureEnvs
}

type (
	assumeRole string // ARN
	plainEnvs  map[string]map[string]string
	secureEnvs map[string]map[string]Secret
)
