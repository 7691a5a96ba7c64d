package config

import (
	"fmt"
	"strings"

	"webstack/contract"
	"webstack/internal/lazyregexp"
)

// Type is the type of a key's value.
type Type string

// The types of keys and app fields.
const (
	TypeString  Type = "string"
	TypeInteger Type = "integer"
	TypeBoolean Type = "boolean"
	TypeList    Type = "list of strings"
	TypeApps    Type = "map of apps"
	TypeEnvs    Type = "map of apps to maps of strings"
	TypeRole    Type = "map with the key roleArn"
)

// structured reports whether values of the type are maps or lists.
func (t Type) structured() bool { return t != TypeString && t != TypeInteger && t != TypeBoolean }

// Key describes one key of the stack config or one field of an app.
type Key struct {
	Name        string // as in the stack file, without the namespace webstack
	Type        Type   // derived from the Go field
	Default     string // as text; what Load takes when the key is missing
	Description string // one sentence or two, without what is allowed
	Allowed     string // completes "allowed: ..."
	Pattern     string // regular expression that a value must match; Load may check more
	Not         string // regular expression that it must not match; "" = none
	MaxLength   int    // in bytes; 0 = no limit
	Enum        []string
	Min, Max    int64   // range of an integer
	Also        []int64 // also allowed, outside the range
	Secret      bool    // must be encrypted in the stack file
	Required    bool
	Change      string // what happens when the value changes on a running stack

	pattern *lazyregexp.Regexp // Pattern, compiled
	not     *lazyregexp.Regexp // Not, compiled; nil = none
	top     bool               // a key of the stack config, not a field of an app
}

// spec binds a key to the field it fills and to the check its text must pass.
type spec[T any] struct {
	Key
	at    func(*T) any
	check func(string) string // what is wrong with a value, "" if nothing
}

// Keys returns all keys of the stack config, in the order in which they are documented.
func Keys() []Key { return describe(keys) }

// AppFields returns the fields of one app under the key apps.
func AppFields() []Key { return describe(appFields) }

func describe[T any](specs []spec[T]) []Key {
	out := make([]Key, 0, len(specs))
	for _, s := range specs {
		out = append(out, s.Key)
	}
	return out
}

// complete fills in what follows from a key's field and range.
func complete[T any](specs []spec[T]) []spec[T] {
	for i := range specs {
		k := &specs[i].Key
		k.Change = changes[k.Name]
		k.Type = typeOf(specs[i].at(new(T)))
		k.pattern = lazyregexp.New(k.Pattern)
		if k.Not != "" {
			k.not = lazyregexp.New(k.Not)
		}
		_, k.top = any(new(T)).(*input)
		switch {
		case k.Allowed != "":
		case len(k.Enum) > 0:
			k.Allowed = strings.Join(k.Enum, " or ")
		case k.Type == TypeInteger:
			k.Allowed = fmt.Sprintf("a whole number from %d to %d", k.Min, k.Max)
		case k.Type == TypeBoolean:
			k.Allowed = "true or false"
		}
	}
	return specs
}

func typeOf(field any) Type {
	switch field.(type) {
	case *int, *int64:
		return TypeInteger
	case *bool, **bool:
		return TypeBoolean
	case *[]string:
		return TypeList
	case *[]App:
		return TypeApps
	case *plainEnvs, *secureEnvs:
		return TypeEnvs
	case *assumeRole:
		return TypeRole
	default:
		return TypeString
	}
}

// FullName returns the key as in the stack file, with its namespace.
func (k Key) FullName() string {
	if strings.Contains(k.Name, ":") {
		return k.Name
	}
	return Namespace + ":" + k.Name
}

const (
	awsRegion          = "aws:region"
	cloudflareAPIToken = "cloudflare:apiToken"
	identifierPattern  = "^[a-z][a-z0-9_]{0,62}$"
	labelText          = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
	domainText         = "(?:" + labelText + "\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
	domainPattern      = "^" + domainText + "$"
	emailPattern       = `^[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@` + domainText + `$`
)

var keys = complete(append(ownKeys, awsKeys...))

var ownKeys = []spec[input]{
	{Key: Key{Name: "instanceType", Default: "t4g.small", Not: notNitro(),
		Pattern: `^([a-z][a-z0-9-]*[0-9][a-z0-9-]*\.[a-z0-9-]+|local)$`,
		Description: "EC2 instance type of the host. Its architecture determines the machine image and the host program. " +
			"Stack local uses the word local, for the architecture of your computer.",
		Allowed: "a Nitro instance type such as t4g.small or t3.small"},
		at: func(c *input) any { return &c.InstanceType }, check: checkInstanceType},
	{Key: Key{Name: "useEip", Default: "false",
		Description: "Give the host an Elastic IP, which it keeps when it is stopped or replaced. Turning it off replaces " +
			"the host; the data is kept."},
		at: func(c *input) any { return &c.UseEip }},
	{Key: Key{Name: "rootVolumeSize", Default: "16", Min: 8, Max: 65536,
		Description: "Size of the root volume in GiB. It holds the system and the images."},
		at: func(c *input) any { return &c.RootVolumeSize }},
	{Key: Key{Name: "dataVolumeSize", Default: "20", Min: 5, Max: 65536,
		Description: "Size in GiB of the data volume for Postgres, Caddy's certificates and dumps. It outlives the " +
			"host."},
		at: func(c *input) any { return &c.DataVolumeSize }},
	{Key: Key{Name: "stackDir", Default: contract.DefaultStackDir, Pattern: contract.StackDirPattern, MaxLength: 100,
		Not:         `^/(` + strings.Join(systemDirs, "|") + `)/|^/var/lib(/webstack(/.*)?)?$`,
		Description: "Directory on the host for the Compose file, the Caddyfile and the host program.",
		Allowed: "an absolute path of two or more parts of letters, digits, dots, dashes and underscores, " +
			"outside the system's own directories and /var/lib/webstack"},
		at: func(c *input) any { return &c.StackDir }, check: checkStackDir},
	{Key: Key{Name: "sshAllowedCidr",
		Pattern: `^([0-9]{1,3}\.){3}[0-9]{1,3}/([89]|[12][0-9]|3[0-2])$|` +
			`^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/(3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-8])$`,
		Description: "Network that may connect to port 22. If empty, port 22 is closed: Session Manager needs no open port.",
		Allowed: "an IPv4 network of /8 or narrower, or an IPv6 network of /32 or narrower, by its network " +
			"address"},
		at: func(c *input) any { return &c.SSHAllowedCidr }, check: checkSSHAllowedCidr},
	{Key: Key{Name: "vpcCidr", Default: "10.20.0.0/16",
		Pattern: `^(10\.[0-9]{1,3}|192\.168|172\.(1[689]|2[0-9]|3[01])|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))` +
			`(\.[0-9]{1,3}){2}/(1[6-9]|2[0-5])$`,
		Description: "IPv4 network of the VPC. It is divided into subnets. A change replaces everything in the network, " +
			"including the host; the data is kept.",
		Allowed: "the network address of a private IPv4 network from /16 to /25 that does not overlap 172.17.0.0/16, " +
			"which Docker uses on the host"},
		at: func(c *input) any { return &c.VpcCidr }, check: checkVpcCidr},
	{Key: Key{Name: "natMode", Default: string(NatNone), Enum: []string{string(NatNone), string(NatGateway)},
		Description: "How the private-app subnets reach the internet: not at all, or through a NAT gateway " +
			"(about 33 dollars a month). The host does not need it."},
		at: func(c *input) any { return &c.NatMode }},
	{Key: Key{Name: "enableIpv6", Default: "false",
		Description: "Give the host an IPv6 address, and each domain an AAAA record. A change replaces the host; the data " +
			"is kept."},
		at: func(c *input) any { return &c.EnableIpv6 }},
	{Key: Key{Name: "amiId", Pattern: `^ami-[0-9a-f]{8}([0-9a-f]{9})?$`,
		Description: "Machine image of the host. If empty, a new host gets the current Ubuntu 24.04 for its architecture, " +
			"and keeps it. A change replaces the host; the data is kept.",
		Allowed: "an image ID such as ami-0123456789abcdef0"},
		at: func(c *input) any { return &c.AmiID }},
	{Key: Key{Name: "postgresUser", Default: "postgres", Pattern: identifierPattern, Not: reserved(reservedUsers),
		Description: "Superuser of Postgres. Apps never use it: each has its own role.",
		Allowed:     "a lower-case identifier of up to 63 characters that Postgres and RDS do not reserve"},
		at: func(c *input) any { return &c.PostgresUser }, check: checkPostgresUser},
	{Key: Key{Name: "postgresPassword", Secret: true,
		Description: "Password of the superuser. If empty, one is generated.",
		Allowed:     "16 to 128 letters, digits and the characters ._~!#%^&*+=:,?-"},
		at: func(c *input) any { return &c.PostgresPassword }, check: checkPostgresPassword},
	{Key: Key{Name: "postgresDefaultDb", Default: "app", Pattern: identifierPattern, Not: reserved(reservedDatabases),
		Description: "Initial database, which belongs to the superuser.",
		Allowed:     "a lower-case identifier of up to 63 characters that Postgres and RDS do not reserve"},
		at: func(c *input) any { return &c.PostgresDefaultDb }, check: checkPostgresDb},
	{Key: Key{Name: "enableExternalPostgres", Default: "false",
		Description: "Run Postgres as an RDS instance in the private-db subnets instead of a container on the host."},
		at: func(c *input) any { return &c.EnableExternalPostgres }},
	{Key: Key{Name: "apps", Default: "{}",
		Description: "The apps on the host, by name. The name is also the app's Compose service, its role and database " +
			"in Postgres and part of its parameter names.",
		Allowed: "a map from app names to the fields of an app"},
		at: func(c *input) any { return &c.Apps }},
	{Key: Key{Name: "appEnvPlain", Default: "{}",
		Description: "Environment variables of the apps that are not secret: app name, variable name, value.",
		Allowed:     "a map from app names to maps from variable names to strings"},
		at: func(c *input) any { return &c.envPlain }},
	{Key: Key{Name: "appEnvSecure", Default: "{}", Secret: true,
		Description: "Environment variables of the apps that are secret: app name, variable name, value. " +
			"They are stored as SecureString parameters, encrypted with the stack's own key.",
		Allowed: "a map from app names to maps from variable names to secret strings"},
		at: func(c *input) any { return &c.envSecure }},
	{Key: Key{Name: "activeApp",
		Description: "App that answers at the bare IP address. If empty, it is the first app by name. Unknown host names " +
			"get no app.",
		Allowed: "the name of an app under apps"},
		at: func(c *input) any { return &c.ActiveApp }},
	{Key: Key{Name: "caddyEmail", Pattern: emailPattern,
		Description: "Contact address that Caddy gives to the certificate authority.",
		Allowed:     "an e-mail address such as ops@example.com"},
		at: func(c *input) any { return &c.CaddyEmail }, check: checkEmail},
	{Key: Key{Name: "acme", Default: "letsencrypt",
		Pattern: `^(letsencrypt|staging|internal|https://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~/-]*)?)$`,
		Description: "Who issues certificates: Let's Encrypt, its staging environment (not trusted by browsers, " +
			"generous limits), Caddy's own authority, or another ACME directory.",
		Allowed: "letsencrypt, staging, internal or an https URL of an ACME directory"},
		at: func(c *input) any { return &c.Acme }, check: checkAcme},
	{Key: Key{Name: "accessLog", Default: AccessLogRedacted, Enum: []string{AccessLogRedacted, AccessLogFull, AccessLogOff},
		Description: "What Caddy logs of each request: redacted leaves out query values and all headers except " +
			"User-Agent and Referer, full leaves out only cookies and the Authorization header, off logs errors only."},
		at: func(c *input) any { return &c.AccessLog }},
	{Key: Key{Name: "enablePgDumpToS3", Default: "true",
		Description: "Back up every database of the host to S3 on the schedule, and verify each backup by restoring it."},
		at: func(c *input) any { return &c.EnablePgDumpToS3 }},
	{Key: Key{Name: "dbBackupBucketName", Pattern: contract.BucketPattern,
		Not:         `^(` + affixes + `)|(` + affixes + `)$`,
		Description: "Name of the bucket for backups. If empty, Pulumi generates it.",
		Allowed: "3 to 63 lower-case letters, digits and dashes, without the prefixes and suffixes that S3 reserves, " +
			"no dots (they break TLS)"},
		at: func(c *input) any { return &c.DbBackupBucketName }, check: checkBucketName},
	{Key: Key{Name: "backupSchedule", Default: "nightly",
		Pattern:     `^(hourly|nightly|weekly)$|` + schedulePattern.String(),
		Description: "When to make backups, in UTC: nightly is 03:15, weekly is Sunday 03:15.",
		Allowed: "hourly, nightly, weekly or a State Manager expression such as cron(15 3 ? * * *), " +
			"cron(0 0/4 * * ? *) or cron(30 2 ? * SUN *)"},
		at: func(c *input) any { return &c.BackupSchedule }, check: checkSchedule},
	{Key: Key{Name: "backupRetentionDays", Default: "30", Min: 1, Max: 3650,
		Description: "Days after which a backup expires. The newest verified backup of each database does not."},
		at: func(c *input) any { return &c.BackupRetentionDays }},
	{Key: Key{Name: "alarmEmail", Pattern: emailPattern,
		Description: "Address that gets the e-mails about failures. Required with resendApiKey.",
		Allowed:     "an e-mail address such as ops@example.com"},
		at: func(c *input) any { return &c.AlarmEmail }, check: checkEmail},
	{Key: Key{Name: "slackWebhookUrl", Secret: true,
		Description: "Slack webhook to which the host posts when a deploy, backup, restore or converge fails, and when a " +
			"converge succeeds again. If empty, it posts nothing.",
		Allowed: "the https URL of an incoming webhook"},
		at: func(c *input) any { return &c.SlackWebhookURL }, check: checkWebhook},
	{Key: Key{Name: "resendApiKey", Secret: true,
		Description: "API key of Resend, by which the host sends the same messages by e-mail to alarmEmail. If empty, it " +
			"sends none.",
		Allowed: "a key that begins with re_"},
		at: func(c *input) any { return &c.ResendAPIKey }, check: checkResendKey},
	{Key: Key{Name: "resendFrom", Pattern: emailPattern,
		Description: "Sender of these e-mails. Its domain must be verified in Resend. Required with resendApiKey.",
		Allowed:     "an e-mail address such as webstack@example.com"},
		at: func(c *input) any { return &c.ResendFrom }, check: checkEmail},
	{Key: Key{Name: "enableDns", Default: "false",
		Description: "Manage the Cloudflare records of every app's domain and aliases. Needs cloudflare:apiToken " +
			"and each app's zone."},
		at: func(c *input) any { return &c.EnableDns }},
	{Key: Key{Name: cloudflareAPIToken, Secret: true,
		Description: "Cloudflare API token with the permissions Zone / DNS / Edit and Zone / Zone / Read on the zones. " +
			"Required only with enableDns.",
		Allowed: "40 or more letters, digits, dashes and underscores"},
		at: func(c *input) any { return &c.CloudflareAPIToken }, check: checkAPIToken},
	{Key: Key{Name: "githubOidcProviderArn",
		Pattern: `^arn:aws:iam::[0-9]{12}:oidc-provider/token\.actions\.githubusercontent\.com$`,
		Description: "ARN of the account's OIDC provider for GitHub, if one exists: an account can have only one. " +
			"If empty, it is created.",
		Allowed: "an ARN such as arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
		at: func(c *input) any { return &c.GithubOidcProviderArn }},
}
