package contract

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// ComposeProject is the name of the Compose project, with which every container's name begins.
const ComposeProject = "webstack"

// Names of the services and containers that are not apps. They are reserved: no app may have such a name.
const (
	// CaddyService is the proxy in front of the apps.
	CaddyService = "caddy"
	// PostgresService is the shared database; it does not exist with an external one.
	PostgresService = "postgres"
)

// Images of the containers that are not apps. They are pinned, so every update is a reviewed change.
const (
	// CaddyImage is Caddy, in the same version as the adapter with which the tests parse the Caddyfile. Its health check
	// needs wget, which is in the image.
	CaddyImage = "caddy:2.11.4-alpine"
	// PostgresImage must stay on one Debian release: another libc sorts text differently, which corrupts indexes.
	PostgresImage = "postgres:17.11-bookworm"
)

// EdgeNetwork is the name in the Compose file of the network on which Caddy reaches the apps.
const EdgeNetwork = "edge"

// DatabaseNetwork is the name in the Compose file of the network on which apps reach Postgres.
const DatabaseNetwork = "db"

// Paths relative to the stack directory.
const (
	// PostgresPasswordPath does not end with ".env", so no app's env file can have the same name.
	PostgresPasswordPath = "env/postgres-password"
)

// ReleaseContainerName returns the name of the container in which an app's release command runs.
func ReleaseContainerName(app string) string { return ComposeProject + "-" + app + "-release" }

// BackupVerifyContainer is the name of the throwaway Postgres that backups are restored into.
const BackupVerifyContainer = ComposeProject + "-backup-verify"

// SumLabel is the label with a checksum of what a container was created from: its definition and, for an app, its image
// and its env file. The host program uses it to find containers that must be replaced. Compose's own label changes with
// the version of Compose, so an upgrade would restart everything.
const SumLabel = "webstack.sum"

// ImageVariable returns the variable in compose/.env with the image of an app's live release. An app's name has only
// letters, digits and "-", so two apps never share a variable.
func ImageVariable(app string) string { return "WEBSTACK_IMAGE_" + variableName(app) }

// SumVariable returns the variable in compose/.env with the value of a service's SumLabel.
func SumVariable(service string) string { return "WEBSTACK_SUM_" + variableName(service) }

// AddressVariable returns the variable in compose/.env with the address of an app's live container.
func AddressVariable(app string) string { return "WEBSTACK_ADDRESS_" + variableName(app) }

func variableName(service string) string {
	return strings.ToUpper(strings.ReplaceAll(service, "-", "_"))
}

// ComposeEnv returns the content of compose/.env. images maps the apps that have a release to an image with tag or
// digest, and live to the addresses of their live containers; sums maps the running services, including the apps, to the
// values of their SumLabel. An app without an image is not started, and Compose does not need its image. With this
// content, running `docker compose up` by hand changes nothing. Variables in the environment take precedence for Compose, so run it without COMPOSE_PROFILES,
// WEBSTACK_IMAGE_*, WEBSTACK_SUM_* and WEBSTACK_ADDRESS_*, unless it should start another container.
func ComposeEnv(images, sums map[string]string, live map[string]string) ([]byte, error) {
	apps := slices.Sorted(maps.Keys(images))
	vars := []variable{{"COMPOSE_PROFILES", strings.Join(apps, ",")}}
	for _, app := range apps {
		vars = append(vars, variable{ImageVariable(app), images[app]})
		if address, ok := live[app]; ok {
			vars = append(vars, variable{AddressVariable(app), address})
		}
	}
	for _, service := range slices.Sorted(maps.Keys(sums)) {
		vars = append(vars, variable{SumVariable(service), sums[service]})
	}
	return dotenv(vars)
}

// AppEnv returns the content of env/APP.env: the app's secure variables and DATABASE_URL. Compose passes the values to
// the container unchanged, including new lines and dollar signs. A name that is not an identifier is an error, and so
// is a value that is not UTF-8 or has a NUL; the error does not show the value.
func AppEnv(values map[string]string) ([]byte, error) {
	var vars []variable
	for _, name := range slices.Sorted(maps.Keys(values)) {
		vars = append(vars, variable{name, values[name]})
	}
	return dotenv(vars)
}

// Variable returns the value of a variable in an env file that AppEnv made, "" if it is missing.
func Variable(content []byte, name string) string {
	unescape := strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, `\n`, "\n", `\r`, "\r")
	for line := range strings.Lines(string(content)) {
		value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\"\n"), name+`="`)
		if ok {
			return unescape.Replace(value)
		}
	}
	return ""
}

// DatabaseURL returns the DATABASE_URL of an app. Its role and database have the same name. address is the "host:port"
// of an external Postgres, which requires TLS, or "" for the container, which is on a network of the host.
func DatabaseURL(address, database, password string) string {
	mode := "require"
	if address == "" {
		address, mode = PostgresService+":5432", "disable"
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(database, password), Host: address, Path: "/" + database,
		RawQuery: "sslmode=" + mode,
	}
	return u.String()
}

type variable struct{ name, value string }

// escapes are undone by Compose when it reads env files with double quotes. Every version of Compose supports this
// form, unlike format: raw. It can hold new lines, and is not interpolated because every "$" is escaped.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "\r", `\r`)

func dotenv(vars []variable) ([]byte, error) {
	var out strings.Builder
	var problems []error
	for _, v := range vars {
		switch {
		case CheckEnvName(v.name) != nil:
			problems = append(problems, CheckEnvName(v.name))
		case !utf8.ValidString(v.value) || strings.ContainsRune(v.value, 0):
			problems = append(problems, fmt.Errorf("the value of %s is not UTF-8 text without NUL", v.name))
		}
		fmt.Fprintf(&out, "%s=\"%s\"\n", v.name, escapes.Replace(v.value))
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("write env file: %w", errors.Join(problems...))
	}
	return []byte(out.String()), nil
}
