package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/config"
)

// one wraps the fields of an app into the value of the key apps.
func one(fields string) string { return `{"shop": {` + fields + `}}` }

// shop is the value of apps with one valid app and further fields.
func shop(fields string) string {
	text := `"domain": "shop.example.com"`
	if fields != "" {
		text += ", " + fields
	}
	return one(text)
}

func allKeys() string {
	var names []string
	for _, k := range config.Keys() {
		if !strings.Contains(k.Name, ":") {
			names = append(names, k.Name)
		}
	}
	return strings.Join(names, ", ")
}

func allFields() string {
	var names []string
	for _, k := range config.AppFields() {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

func inQuotes(path string) string {
	return "put it in quotes, or set it with pulumi config set --type string --path 'webstack:" + path + "' VALUE"
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const (
		instanceTypes = "a Nitro instance type such as t4g.small or t3.small"
		stackDirs     = "an absolute path of two or more parts of letters, digits, dots, dashes and underscores, " +
			"outside the system's own directories and /var/lib/webstack"
		sshCidrs = "an IPv4 network of /8 or narrower, or an IPv6 network of /32 or narrower, by its network address"
		vpcCidrs = "the network address of a private IPv4 network from /16 to /25 that does not overlap 172.17.0.0/16, " +
			"which Docker uses on the host"
		identifiers = "a lower-case identifier of up to 63 characters that Postgres and RDS do not reserve"
		domains     = "a lower-case host name with two or more labels such as shop.example.com; no wildcard, no IP address; " +
			"non-ASCII names in their xn-- form"
		acmes     = "letsencrypt, staging, internal or an https URL of an ACME directory"
		schedules = "hourly, nightly, weekly or a State Manager expression such as cron(15 3 ? * * *), " +
			"cron(0 0/4 * * ? *) or cron(30 2 ? * SUN *)"
		buckets = "3 to 63 lower-case letters, digits and dashes, without the prefixes and suffixes that S3 reserves, " +
			"no dots (they break TLS)"
		appNames = "1 to 31 lower-case letters, digits and single dashes, beginning with a letter and not ending " +
			"with a dash, and no reserved name"
		envNames = "1 to 128 letters, digits and underscores, not beginning with a digit; " +
			"Webstack sets DATABASE_URL, PORT and names that begin with WEBSTACK_"
		ttls   = "1, or 60 to 86400 when cfProxied is false"
		once   = "a name used once in the stack"
		emails = "an e-mail address such as ops@example.com"
		paths  = "a path of up to 200 characters that begins with a single / and has only letters, digits " +
			"and /._~-?&=+:@,%"
		branches = "a branch name of letters, digits and . _ / -"
		repos    = "owner/name, with upper and lower case as GitHub shows it"
		ecrRepos = "2 to 256 lower-case letters and digits, beginning with a letter, with single . _ - or / between " +
			"them; a repository belongs to one app"
		taken     = "is a name that another container or the host may have on Docker's networks; allowed: "
		arns      = "an ARN such as arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
		passwords = "16 to 128 letters, digits and the characters ._~!#%^&*+=:,?-"
		aliases   = "lower-case host names within the zone, each used once in the stack"
		port      = "a whole number from 1 to 65535"
	)
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		name string
		set  []string
		want string // the problem without ": ", several joined by newlines
	}{
		// Keys and types.
		{"unknown key", []string{"instance_type", "t3.small"},
			"instance_type: is not a key of webstack; did you mean instanceType? Allowed: " + allKeys()},
		{"number as text", []string{"rootVolumeSize", "16.0"},
			`rootVolumeSize: "16.0" is not a whole number; allowed: a whole number from 8 to 65536`},
		{"number with a zero", []string{"rootVolumeSize", "016"},
			`rootVolumeSize: "016" is not a whole number; allowed: a whole number from 8 to 65536`},
		{"boolean as word", []string{"useEip", "yes"}, `useEip: "yes" is not a boolean; allowed: true or false`},
		{"no JSON", []string{"apps", "{"},
			"apps: is not valid JSON; allowed: a map from app names to the fields of an app"},
		{"list of apps", []string{"apps", "[]"},
			"apps: is a list, not a map; allowed: a map from app names to the fields of an app"},
		{"app twice", []string{"apps", `{"shop":{"domain":"a.example.com"},"shop":{"domain":"b.example.com"}}`},
			"apps.shop: is given twice; allowed: once"},
		{"field twice", []string{"apps", shop(`"domain": "b.example.com"`)},
			"apps.shop.domain: is given twice; allowed: once"},
		{"app is text", []string{"apps", `{"shop":"x"}`},
			"apps.shop: is a string, not a map; allowed: a map of the fields of an app"},
		{"unknown field", []string{"apps", shop(`"record_name": "x"`)},
			"apps.shop.record_name: is not a field of an app; did you mean recordName? Allowed: " + allFields()},
		{"field in other case", []string{"apps", shop(`"Zone": "x"`)},
			"apps.shop.Zone: is not a field of an app; did you mean zone? Allowed: " + allFields()},
		{"port as text", []string{"apps", shop(`"containerPort": "8080"`)},
			"apps.shop.containerPort: is a string, not an integer; allowed: " + port},
		{"port as null", []string{"apps", shop(`"containerPort": null`)},
			"apps.shop.containerPort: is null, not an integer; allowed: " + port},
		{"boolean as number", []string{"apps", shop(`"cfProxied": 1`)},
			"apps.shop.cfProxied: is a number, not a boolean; allowed: true or false"},
		{"aliases as text", []string{"apps", shop(`"aliases": "www.example.com"`)},
			"apps.shop.aliases: is a string, not a list; allowed: a list of " + aliases},
		{"alias as number", []string{"apps", shop(`"aliases": [1]`)},
			"apps.shop.aliases[0]: is a number, not a string; " + inQuotes("apps.shop.aliases[0]") + "; allowed: " + aliases},
		{"too deep", []string{"apps", strings.Repeat("[", 20) + strings.Repeat("]", 20)},
			"apps: is nested too deep; allowed: a map from app names to the fields of an app"},

		// The host.
		{"instance type", []string{"instanceType", "small"},
			`instanceType: "small" is not an instance type; allowed: ` + instanceTypes},
		{"Xen instance", []string{"instanceType", "t2.micro"}, `instanceType: "t2.micro" is not a Nitro type, ` +
			"so the host could not find its data volume by its NVMe ID; allowed: " + instanceTypes},
		{"macOS instance", []string{"instanceType", "mac2.metal"},
			`instanceType: "mac2.metal" runs only macOS; allowed: ` + instanceTypes},
		{"local elsewhere", []string{"instanceType", "local"},
			`instanceType: "local" is only for the stack local; allowed: ` + instanceTypes},
		{"root volume", []string{"rootVolumeSize", "7"},
			`rootVolumeSize: "7" is out of range; allowed: a whole number from 8 to 65536`},
		{"data volume", []string{"dataVolumeSize", "65537"},
			`dataVolumeSize: "65537" is out of range; allowed: a whole number from 5 to 65536`},
		{"relative dir", []string{"stackDir", "opt/webstack"},
			`stackDir: "opt/webstack" is not a usable path; allowed: ` + stackDirs},
		{"root dir", []string{"stackDir", "/"}, `stackDir: "/" is not a usable path; allowed: ` + stackDirs},
		{"unclean dir", []string{"stackDir", "/opt/../etc"},
			`stackDir: "/opt/../etc" is not a usable path; allowed: ` + stackDirs},
		{"dir with a space", []string{"stackDir", "/opt/a b"},
			`stackDir: "/opt/a b" is not a usable path; allowed: ` + stackDirs},
		{"system dir", []string{"stackDir", "/etc/webstack"},
			`stackDir: "/etc/webstack" is in a system directory; allowed: ` + stackDirs},
		{"dir in the data volume", []string{"stackDir", "/var/lib/webstack/x"},
			`stackDir: "/var/lib/webstack/x" overlaps ` +
				"/var/lib/webstack, where the data volume is mounted; allowed: " + stackDirs},
		{"dir above the data volume", []string{"stackDir", "/var/lib"}, `stackDir: "/var/lib" overlaps ` +
			"/var/lib/webstack, where the data volume is mounted; allowed: " + stackDirs},
		{"image", []string{"amiId", "ami-xyz"},
			`amiId: "ami-xyz" has the wrong format; allowed: an image ID such as ami-0123456789abcdef0`},

		// Networks.
		{"ssh from everywhere", []string{"sshAllowedCidr", "0.0.0.0/0"},
			`sshAllowedCidr: "0.0.0.0/0" is the entire internet; allowed: ` + sshCidrs},
		{"ssh from everywhere by IPv6", []string{"sshAllowedCidr", "::/0", "enableIpv6", "true"},
			`sshAllowedCidr: "::/0" is the entire internet; allowed: ` + sshCidrs},
		{"ssh from half of it", []string{"sshAllowedCidr", "0.0.0.0/1"},
			`sshAllowedCidr: "0.0.0.0/1" is too wide; allowed: ` + sshCidrs},
		{"ssh from an address", []string{"sshAllowedCidr", "203.0.113.7"},
			`sshAllowedCidr: "203.0.113.7" is not a network in CIDR notation; allowed: ` + sshCidrs},
		{"ssh by IPv6 without IPv6", []string{"sshAllowedCidr", "2001:db8::/64"},
			`sshAllowedCidr: "2001:db8::/64" is IPv6, but enableIpv6 is false; allowed: an IPv4 network`},
		{"host bits", []string{"vpcCidr", "10.20.0.1/16"},
			`vpcCidr: "10.20.0.1/16" is not a network address; 10.20.0.0/16 is; allowed: ` + vpcCidrs},
		{"VPC too small", []string{"vpcCidr", "10.20.0.0/26"},
			`vpcCidr: "10.20.0.0/26" has the wrong size; allowed: ` + vpcCidrs},
		{"VPC too large", []string{"vpcCidr", "10.0.0.0/15"},
			`vpcCidr: "10.0.0.0/15" has the wrong size; allowed: ` + vpcCidrs},
		{"public VPC", []string{"vpcCidr", "8.8.0.0/16"},
			`vpcCidr: "8.8.0.0/16" is not a private network; allowed: ` + vpcCidrs},
		{"VPC by IPv6", []string{"vpcCidr", "fd00::/64"},
			`vpcCidr: "fd00::/64" is not an IPv4 network; allowed: ` + vpcCidrs},
		{"Docker's network", []string{"vpcCidr", "172.17.0.0/20"},
			`vpcCidr: "172.17.0.0/20" overlaps Docker's network 172.17.0.0/16; allowed: ` + vpcCidrs},
		{"NAT mode", []string{"natMode", "instance"},
			`natMode: "instance" is not one of the allowed values; allowed: none or gateway`},

		// Postgres. An error never contains a password.
		{"reserved user", []string{"postgresUser", "pg_root"},
			`postgresUser: "pg_root" is reserved; allowed: ` + identifiers},
		{"user with a dash", []string{"postgresUser", "a-b"},
			`postgresUser: "a-b" has the wrong format; allowed: ` + identifiers},
		{"template database", []string{"postgresDefaultDb", "template1"},
			`postgresDefaultDb: "template1" is reserved; allowed: ` + identifiers},
		{"short password", []string{"postgresPassword", "canary"},
			"postgresPassword: is too short, too long or has characters that are not allowed; allowed: " + passwords},
		{"password with a quote", []string{"postgresPassword", "canary'canary'canary"},
			"postgresPassword: is too short, too long or has characters that are not allowed; allowed: " + passwords},

		// App names.
		{"reserved app", []string{"apps", `{"postgres":{"domain":"a.example.com"}}`},
			"apps.postgres: is a reserved name; allowed: " + appNames},
		{"app that is another app's container", []string{"apps", `{"webstack-shop-1":{"domain":"a.example.com"}}`},
			"apps.webstack-shop-1: " + taken + appNames},
		{"app that every container knows", []string{"apps", `{"ip6-localhost":{"domain":"a.example.com"}}`},
			"apps.ip6-localhost: " + taken + appNames},
		{"app that is the host", []string{"apps", `{"ip-10-20-0-5":{"domain":"a.example.com"}}`},
			"apps.ip-10-20-0-5: " + taken + appNames},
		{"app that may be a container's id", []string{"apps", `{"abcdef012345":{"domain":"a.example.com"}}`},
			"apps.abcdef012345: " + taken + appNames},
		{"app that Parameter Store reserves", []string{"apps", `{"awsome":{"domain":"a.example.com"}}`},
			"apps.awsome: begins with aws or ssm, which Parameter Store reserves; allowed: " + appNames},
		{"app with a double dash", []string{"apps", `{"a--b":{"domain":"a.example.com"}}`},
			"apps.a--b: is not an app name; allowed: " + appNames},
		{"app in upper case", []string{"apps", `{"Shop":{"domain":"a.example.com"}}`},
			"apps.Shop: is not an app name; allowed: " + appNames},
		{"app with a newline", []string{"apps", `{"a\nb":{"domain":"a.example.com"}}`},
			`apps."a\nb": is not an app name; allowed: ` + appNames},
		{"app that is the default database", []string{"apps", `{"app":{"domain":"a.example.com"}}`},
			"apps.app: is also the value of postgresDefaultDb; allowed: another app name, or another postgresDefaultDb"},
		{"app that is the superuser", []string{"apps", shop(""), "postgresUser", "shop"},
			"apps.shop: is also the value of postgresUser; allowed: another app name, or another postgresUser"},

		// Domains.
		{"no domain", []string{"apps", `{"shop":{}}`}, "apps.shop.domain: is missing; allowed: " + domains},
		{"wildcard", []string{"apps", one(`"domain":"*.example.com"`)},
			`apps.shop.domain: "*.example.com" is a wildcard; allowed: ` + domains},
		{"upper case", []string{"apps", one(`"domain":"Shop.example.com"`)},
			`apps.shop.domain: "Shop.example.com" has upper-case letters; allowed: ` + domains},
		{"umlaut", []string{"apps", one(`"domain":"bücher.example.com"`)},
			`apps.shop.domain: "bücher.example.com" is not in its xn-- form, xn--bcher-kva.example.com; allowed: ` + domains},
		{"address", []string{"apps", one(`"domain":"203.0.113.7"`)},
			`apps.shop.domain: "203.0.113.7" is an IP address, not a host name; allowed: ` + domains},
		{"Cyrillic letter", []string{"apps", one(`"domain":"pаypal.example.com"`)},
			`apps.shop.domain: "pаypal.example.com" is not in its xn-- form, xn--pypal-4ve.example.com; allowed: ` + domains},
		{"invalid Punycode", []string{"apps", one(`"domain":"xn--a.example.com"`)},
			`apps.shop.domain: "xn--a.example.com" has a label that is not valid Punycode: "xn--a"; allowed: ` + domains},
		{"Punycode of ASCII", []string{"apps", one(`"domain":"xn--shop-.example.com"`)},
			`apps.shop.domain: "xn--shop-.example.com" is not a host name; allowed: ` + domains},
		{"reserved label", []string{"apps", one(`"domain":"ab--c.example.com"`)}, `apps.shop.domain: "ab--c.example.com" ` +
			"has a label with -- as third and fourth characters, which are reserved; allowed: " + domains},
		{"last label with a digit", []string{"apps", one(`"domain":"shop.1com"`)},
			`apps.shop.domain: "shop.1com" has a last label that does not start with a letter; allowed: ` + domains},
		{"IPv6 address", []string{"apps", one(`"domain":"[2001:db8::1]"`)},
			`apps.shop.domain: "[2001:db8::1]" is an IP address, not a host name; allowed: ` + domains},
		{"final dot", []string{"apps", one(`"domain":"shop.example.com."`)},
			`apps.shop.domain: "shop.example.com." ends with a dot; allowed: ` + domains},
		{"one label", []string{"apps", one(`"domain":"shop"`)},
			`apps.shop.domain: "shop" has only one label; allowed: ` + domains},
		{"long label", []string{"apps", one(`"domain":"` + long + `.com"`)},
			`apps.shop.domain: "` + long + `.com" is not a host name; allowed: ` + domains},
		{"long domain", []string{"apps", one(`"domain":"` + strings.Repeat("a.", 130) + `com"`)},
			`apps.shop.domain: "` + strings.Repeat("a.", 40) + `"... is longer than 239 characters; allowed: ` + domains},
		{"empty domain", []string{"apps", one(`"domain":""`)},
			`apps.shop.domain: "" is not a host name; allowed: ` + domains},
		{"other zone", []string{"apps", shop(`"zone": "example.org"`)},
			`apps.shop.domain: "shop.example.com" is not in zone ` +
				"example.org; allowed: the zone itself or a name that ends in .example.org"},
		{"zone that only looks like a parent", []string{"apps", shop(`"zone": "ample.com"`)},
			`apps.shop.domain: "shop.example.com" is not in zone ample.com; ` +
				"allowed: the zone itself or a name that ends in .ample.com"},
		{"zone of one label", []string{"apps", shop(`"zone": "com"`)},
			`apps.shop.zone: "com" has only one label; allowed: the domain itself or a parent of it, such as example.com`},
		{"alias in another zone", []string{"apps", shop(`"zone": "example.com", "aliases": ["www.example.org"]`)},
			`apps.shop.aliases[0]: "www.example.org" is not in zone example.com; allowed: a name that ends in .example.com`},
		{"bad alias", []string{"apps", shop(`"aliases": ["w w.example.com"]`)},
			`apps.shop.aliases[0]: "w w.example.com" is not a host name; allowed: ` + aliases},
		{"alias is the domain", []string{"apps", shop(`"aliases": ["shop.example.com"]`)},
			`apps.shop.aliases[0]: "shop.example.com" is already apps.shop.domain; allowed: ` + once},
		{"one domain for two apps", []string{"apps", `{"a":{"domain":"x.example.com"},"b":{"domain":"x.example.com"}}`},
			`apps.b.domain: "x.example.com" is already apps.a.domain; allowed: ` + once},
		{"alias is another app's domain", []string{"apps",
			`{"a":{"domain":"a.example.com","aliases":["b.example.com"]},"b":{"domain":"b.example.com"}}`},
			`apps.a.aliases[0]: "b.example.com" is already apps.b.domain; allowed: ` + once},
		{"record of another name", []string{"apps", shop(`"zone": "example.com", "recordName": "www"`)},
			`apps.shop.recordName: "www" does not follow from domain and zone; allowed: shop`},
		{"record without zone", []string{"apps", shop(`"recordName": "shop"`)},
			"apps.shop.recordName: is set, but zone is not; allowed: no recordName, or a zone as well"},
		{"private name with a public authority", []string{"apps", one(`"domain":"shop.localhost","aliases":["a.internal"]`)},
			`apps.shop.aliases[0]: "a.internal" cannot get a certificate from Let's Encrypt; allowed: a public name, or acme: internal` +
				"\n" + `apps.shop.domain: "shop.localhost" cannot get a certificate from Let's Encrypt; ` +
				"allowed: a public name, or acme: internal"},
		{"TTL", []string{"apps", shop(`"cfTtl": 30`)},
			`apps.shop.cfTtl: "30" is out of range; allowed: ` + ttls},
		{"TTL of zero", []string{"apps", shop(`"cfTtl": 0`)}, `apps.shop.cfTtl: "0" is out of range; allowed: ` + ttls},
		{"TTL of a proxied record", []string{"apps", shop(`"cfTtl": 300, "cfProxied": true`)},
			"apps.shop.cfTtl: 300 is not 1, but cfProxied is true; allowed: 1"},
		{"DNS without token", []string{"enableDns", "true"},
			"cloudflare:apiToken: is missing, but enableDns is true; " +
				"allowed: a token; set it with pulumi config set --secret cloudflare:apiToken"},
		{"DNS without zone", []string{"enableDns", "true", "cloudflare:apiToken", token, "apps", shop("")},
			"apps.shop.zone: is missing, but enableDns is true; allowed: the Cloudflare zone of the domain"},
		{"token", []string{"cloudflare:apiToken", "canary canary"},
			"cloudflare:apiToken: is not an API token; allowed: 40 or more letters, digits, dashes and underscores"},

		// People to tell.
		{"alarm address", []string{"alarmEmail", "ops"},
			`alarmEmail: "ops" is not an e-mail address; allowed: an e-mail address such as ops@example.com`},
		{"webhook without TLS", []string{"slackWebhookUrl", "http://hooks.slack.com/canary"},
			"slackWebhookUrl: is not the https URL of a webhook; allowed: the https URL of an incoming webhook"},
		{"webhook without a path", []string{"slackWebhookUrl", "https://canary.example.com/"},
			"slackWebhookUrl: is not the https URL of a webhook; allowed: the https URL of an incoming webhook"},
		{"Resend's key", []string{"resendApiKey", "canary", "resendFrom", "a@example.com", "alarmEmail", "b@example.com"},
			"resendApiKey: is not an API key of Resend; allowed: a key that begins with re_"},
		{"Resend without addresses", []string{"resendApiKey", "re_canary_canary"},
			"alarmEmail: is missing, but resendApiKey is set; allowed: an e-mail address" + "\n" +
				"resendFrom: is missing, but resendApiKey is set; allowed: an e-mail address"},
		{"sender without Resend", []string{"resendFrom", "a@example.com"},
			"resendFrom: is set, but resendApiKey is not; allowed: no resendFrom, or a resendApiKey as well"},

		// Containers and repositories.
		{"port", []string{"apps", shop(`"containerPort": 65536`)},
			`apps.shop.containerPort: "65536" is out of range; allowed: ` + port},
		{"port with a fraction", []string{"apps", shop(`"containerPort": 80.5`)},
			`apps.shop.containerPort: "80.5" is not a whole number; allowed: ` + port},
		{"connections", []string{"apps", shop(`"dbConnections": 93`)},
			"apps.shop.dbConnections: 93 makes 93 for all apps together, more than Postgres on a t4g.small has for them; " +
				"allowed: 92 for all apps together"},
		{"memory", []string{"apps", shop(`"memoryMb": 16`)},
			`apps.shop.memoryMb: "16" is out of range; allowed: a whole number from 32 to 1048576`},
		{"health path without slash", []string{"apps", shop(`"healthPath": "up"`)},
			`apps.shop.healthPath: "up" is not a path; allowed: ` + paths},
		{"health path with a brace", []string{"apps", shop(`"healthPath": "/{env.X}"`)},
			`apps.shop.healthPath: "/{env.X}" is not a path; allowed: ` + paths},
		{"health path to a host", []string{"apps", shop(`"healthPath": "//evil"`)},
			`apps.shop.healthPath: "//evil" is not a path; allowed: ` + paths},
		{"health path with a bad escape", []string{"apps", shop(`"healthPath": "/%zz"`)},
			`apps.shop.healthPath: "/%zz" is not a path; allowed: ` + paths},
		{"one repository for two apps", []string{"apps", `{"a":{"domain":"a.example.com","repoName":"x/y"},` +
			`"b":{"domain":"b.example.com","repoName":"x/y"}}`},
			`apps.b.repoName: "x/y" is already apps.a.repoName; allowed: ` + once},
		{"repository that begins with a digit", []string{"apps", shop(`"repoName": "1shop"`)},
			`apps.shop.repoName: "1shop" is not a repository name; allowed: ` + ecrRepos},
		{"repository with a double dash", []string{"apps", shop(`"repoName": "a--b"`)},
			`apps.shop.repoName: "a--b" is not a repository name; allowed: ` + ecrRepos},
		{"repository in upper case", []string{"apps", shop(`"repoName": "Shop"`)},
			`apps.shop.repoName: "Shop" is not a repository name; allowed: ` + ecrRepos},
		{"GitHub repository", []string{"apps", shop(`"githubRepo": "https://github.com/a/b"`)},
			`apps.shop.githubRepo: "https://github.com/a/b" is not a GitHub repository; allowed: ` + repos},
		{"GitHub wildcard", []string{"apps", shop(`"githubRepo": "acme/*"`)},
			`apps.shop.githubRepo: "acme/*" is not a GitHub repository; allowed: ` + repos},
		{"branch wildcard", []string{"apps", shop(`"githubBranch": "release/*"`)},
			`apps.shop.githubBranch: "release/*" is not a branch name; allowed: ` + branches},
		{"branch that climbs", []string{"apps", shop(`"githubBranch": "a..b"`)},
			`apps.shop.githubBranch: "a..b" is not a branch name; allowed: ` + branches},
		{"one id", []string{"apps", shop(`"githubRepo": "a/b", "githubRepoId": 7`)},
			"apps.shop.githubOwnerId: is missing, but githubRepoId is set; allowed: both IDs or none"},
		{"the other id", []string{"apps", shop(`"githubRepo": "a/b", "githubOwnerId": 7`)},
			"apps.shop.githubRepoId: is missing, but githubOwnerId is set; allowed: both IDs or none"},
		{"ids without repository", []string{"apps", shop(`"githubRepoId": 7, "githubOwnerId": 7`)},
			"apps.shop.githubRepo: is missing, but its IDs are set; allowed: the repository with these IDs"},
		{"OIDC provider", []string{"githubOidcProviderArn", "arn:aws:iam::1:oidc-provider/x"},
			`githubOidcProviderArn: "arn:aws:iam::1:oidc-provider/x" has the wrong format; allowed: ` + arns},

		// Environments.
		{"variable of no app", []string{"appEnvPlain", `{"ghost":{"A":"1"}}`},
			"appEnvPlain.ghost: is not an app; allowed: the name of an app under apps"},
		{"variable name", []string{"apps", shop(""), "appEnvPlain", `{"shop":{"A-B":"1"}}`},
			"appEnvPlain.shop.A-B: is not a variable name; allowed: " + envNames},
		{"reserved variable", []string{"apps", shop(""), "appEnvSecure", `{"shop":{"DATABASE_URL":"canary"}}`},
			"appEnvSecure.shop.DATABASE_URL: is a reserved name; allowed: " + envNames},
		{"Webstack's variable", []string{"apps", shop(""), "appEnvPlain", `{"shop":{"WEBSTACK_APP":"x"}}`},
			"appEnvPlain.shop.WEBSTACK_APP: is a reserved name; allowed: " + envNames},
		{"variable twice", []string{"apps", shop(""), "appEnvPlain", `{"shop":{"A":"1"}}`, "appEnvSecure", `{"shop":{"A":"canary"}}`},
			"appEnvSecure.shop.A: is also in appEnvPlain; allowed: one of the two"},
		{"number in a variable", []string{"apps", shop(""), "appEnvPlain", `{"shop":{"A":1}}`},
			"appEnvPlain.shop.A: is a number, not a string; " + inQuotes("appEnvPlain.shop.A") + "; allowed: a string"},
		{"NUL in a variable", []string{"apps", shop(""), "appEnvPlain", `{"shop":{"A":"\u0000"}}`},
			"appEnvPlain.shop.A: contains a NUL or is not UTF-8"},
		{"long variable", []string{"apps", shop(""), "appEnvPlain", `{"shop":{"A":"` + strings.Repeat("x", 32<<10+1) + `"}}`},
			"appEnvPlain.shop.A: is longer than 32768 bytes"},
		{"empty secret", []string{"apps", shop(""), "appEnvSecure", `{"shop":{"A":""}}`},
			"appEnvSecure.shop.A: is empty, which Parameter Store does not allow"},
		{"long secret", []string{"apps", shop(""), "appEnvSecure", `{"shop":{"A":"` + strings.Repeat("x", 4097) + `"}}`},
			"appEnvSecure.shop.A: is longer than 4096 bytes, the limit of a parameter"},
		{"secret with braces", []string{"apps", shop(""), "appEnvSecure", `{"shop":{"A":"{{canary}}"}}`},
			"appEnvSecure.shop.A: contains {{, which Parameter Store does not allow"},
		{"secret that is a map", []string{"apps", shop(""), "appEnvSecure", `{"shop":{"A":{"secure":"canary"}}}`},
			"appEnvSecure.shop.A: is a map, not a string; allowed: a string"},

		// The rest.
		{"active app", []string{"activeApp", "ghost", "apps", shop("")}, `activeApp: "ghost" is not an app; allowed: shop`},
		{"active app without apps", []string{"activeApp", "ghost"},
			`activeApp: "ghost" is not an app; allowed: the name of an app; there are none`},
		{"email", []string{"caddyEmail", "ops"}, `caddyEmail: "ops" is not an e-mail address; allowed: ` + emails},
		{"email with a brace", []string{"caddyEmail", "{x}@example.com"},
			`caddyEmail: "{x}@example.com" is not an e-mail address; allowed: ` + emails},
		{"authority", []string{"acme", "zerossl"}, `acme: "zerossl" is not a certificate authority; allowed: ` + acmes},
		{"authority without TLS", []string{"acme", "http://ca.example.com/dir"},
			`acme: "http://ca.example.com/dir" is not a certificate authority; allowed: ` + acmes},
		{"authority with a brace", []string{"acme", "https://ca.example.com/{x}"},
			`acme: "https://ca.example.com/{x}" is not a certificate authority; allowed: ` + acmes},
		{"rate", []string{"backupSchedule", "rate(1 day)"},
			`backupSchedule: "rate(1 day)" is not a schedule; allowed: ` + schedules},
		{"month", []string{"backupSchedule", "cron(0 3 1 * ? *)"},
			`backupSchedule: "cron(0 3 1 * ? *)" is not a schedule; allowed: ` + schedules},
		{"every 3 hours", []string{"backupSchedule", "cron(0 0/3 * * ? *)"},
			`backupSchedule: "cron(0 0/3 * * ? *)" is not a schedule; allowed: ` + schedules},
		{"hour 24", []string{"backupSchedule", "cron(0 24 ? * * *)"},
			`backupSchedule: "cron(0 24 ? * * *)" is not a schedule; allowed: ` + schedules},
		{"retention", []string{"backupRetentionDays", "0"},
			`backupRetentionDays: "0" is out of range; allowed: a whole number from 1 to 3650`},
		{"bucket with a dot", []string{"dbBackupBucketName", "a.b.c"},
			`dbBackupBucketName: "a.b.c" is not a bucket name; allowed: ` + buckets},
		{"reserved bucket", []string{"dbBackupBucketName", "xn--backups"},
			`dbBackupBucketName: "xn--backups" is reserved by S3; allowed: ` + buckets},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := load("dev", c.set...)
			if diff := cmp.Diff(c.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Error("the error holds a secret")
			}
		})
	}
}

func TestLoadReportsAllProblemsSorted(t *testing.T) {
	t.Parallel()
	_, err := load("dev", "webstack:bogus", "1", "vpcCidr", "10.0.0.0/8", "natMode", "x",
		"apps", `{"shop":{"domain":"*.x.com","containerPort":0},"blog":{"domain":"x.com","healthPath":"no"}}`)
	var paths []string
	for line := range strings.Lines(fmt.Sprint(err)) {
		path, _, _ := strings.Cut(line, ": ")
		paths = append(paths, path)
	}
	want := []string{"apps.blog.healthPath", "apps.shop.containerPort", "apps.shop.domain", "bogus", "natMode", "vpcCidr"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestUnknownKeyListsTheKnownOnes(t *testing.T) {
	t.Parallel()
	_, err := load("dev", "bogus", "1")
	for _, k := range config.Keys() {
		if !strings.Contains(k.Name, ":") && !strings.Contains(fmt.Sprint(err), k.Name) {
			t.Errorf("%v does not name %s", err, k.Name)
		}
	}
}

func TestLoadAccepts(t *testing.T) {
	t.Parallel()
	for _, set := range [][]string{
		{"apps", one(`"domain":"xn--bcher-kva.example.com"`)},
		{"apps", one(`"domain":"shop.localhost","zone":"localhost"`), "acme", "internal"},
		{"apps", shop(`"zone":"example.com","recordName":"shop"`)},
		{"apps", shop(`"healthPath":"/up?deep=1&x=%20"`)},
		{"apps", shop(`"cfTtl":86400`)},
		{"apps", shop(`"githubRepo":"acme/.github","githubBranch":"release/1.x"`)},
		{"apps", shop(`"repoName":"a/b_c-d.e"`)},
		{"apps", shop(""), "appEnvSecure", `{"shop":{"KEY":"-----BEGIN\nEND-----\n"}}`},
		{"apps", `{"` + strings.Repeat("a", 31) + `":{"domain":"a.example.com"}}`},
		{"sshAllowedCidr", "203.0.113.7/32"},
		{"sshAllowedCidr", "2001:db8::/64", "enableIpv6", "true"},
		{"vpcCidr", "192.168.3.128/25"},
		{"stackDir", "/srv/web-stack_1.0"},
		{"amiId", "ami-0123456789abcdef0"},
		{"postgresPassword", "abcdefgh.IJKL~0123"},
		{"acme", "https://ca.example.com:9000/acme/directory"},
		{"caddyEmail", "first.last+tag@mail.example.com"},
		{"dbBackupBucketName", "acme-webstack-backups"},
		{"githubOidcProviderArn", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
		{"enableDns", "true", "cloudflare:apiToken", token, "apps", shop(`"zone":"example.com"`)},
		{"aws:profile", "dev", "pulumi:tags", `{"a":"b"}`},
	} {
		if _, err := load("dev", set...); err != nil {
			t.Errorf("%v: %v", set, err)
		}
	}
}
