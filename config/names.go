package config

import (
	"slices"
	"strings"

	"webstack/internal/lazyregexp"
)

const (
	appNameAllowed = "1 to 31 lower-case letters, digits and single dashes, beginning with a letter and not ending " +
		"with a dash, and no reserved name"
	envNameAllowed = "1 to 128 letters, digits and underscores, not beginning with a digit; " +
		"Webstack sets DATABASE_URL, PORT and names that begin with WEBSTACK_"
)

// reservedAppNames cannot be names of apps: an app's name is also a Compose service, a Postgres role and database, a
// host name in the apps' network and a directory name.
var reservedAppNames = []string{
	"all", "caddy", "default", "instance-data", "localdomain", "localhost", "none", "postgres", "public", "rdsadmin",
	"replication", "samerole", "sameuser", "template0", "template1", "webstack",
}

// hostNames are names that others have on Docker's networks, where an app with the same name would get their requests:
// the containers of apps (webstack-shop-1), the names in every container's /etc/hosts (ip6-localhost), the host itself
// (ip-10-20-0-5), and the beginning of a container's ID, which Docker's DNS also resolves.
var hostNames = lazyregexp.New(`^(?:webstack-.*|ip6-.*|ip-[0-9].*|[0-9a-f]{12})$`)

// appName and envName describe the names in the maps apps and appEnv*.
var (
	appName = complete([]spec[App]{{Key: Key{Name: "app", Required: true, MaxLength: 31, Allowed: appNameAllowed,
		Pattern: `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`, Not: `^(aws|ssm)|^(` + strings.Join(reservedAppNames, "|") + `)$|` + hostNames.String()},
		at: func(a *App) any { return &a.Name }}})[0].Key
	envName = complete([]spec[App]{{Key: Key{Name: "variable", Required: true, MaxLength: 128, Allowed: envNameAllowed,
		Pattern: `^[A-Za-z_][A-Za-z0-9_]*$`, Not: `^(DATABASE_URL|PORT|secure)$|^WEBSTACK_`},
		at: func(a *App) any { return &a.Name }}})[0].Key
)

// AppName describes the names of apps.
func AppName() Key { return appName }

// EnvValue describes the values of environment variables that are not secret.
func EnvValue() Key { return Key{Type: TypeString, Pattern: `^[^\x00]*$`, MaxLength: maxPlainValue} }

// EnvName describes the names of environment variables.
func EnvName() Key { return envName }

func checkAppName(v string) string {
	switch {
	case slices.Contains(reservedAppNames, v):
		return "is a reserved name"
	case hostNames.MatchString(v):
		return "is a name that another container or the host may have on Docker's networks"
	case strings.HasPrefix(v, "aws") || strings.HasPrefix(v, "ssm"):
		return "begins with aws or ssm, which Parameter Store reserves"
	case wrongText(appName, nil, v) != "":
		return "is not an app name"
	}
	return ""
}

func checkEnvName(v string) string {
	switch {
	case v == "DATABASE_URL" || v == "PORT" || strings.HasPrefix(v, "WEBSTACK_"):
		return "is a reserved name"
	case v == "secure":
		return "is how Pulumi marks an encrypted value"
	case wrongText(envName, nil, v) != "":
		return "is not a variable name"
	}
	return ""
}
