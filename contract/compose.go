package contract

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ComposeProject is the name of the Compose project, and so the beginning of every container's name.
const ComposeProject = "webstack"

// Names of the services, and containers, that are no apps. They are reserved: no app has such a name.
const (
	// CaddyService is the proxy in front of the apps.
	CaddyService = "caddy"
	// PostgresService is the shared database; absent with an external one.
	PostgresService = "postgres"
)

// Images of the containers that are no apps. They are pinned, so an update is a reviewed diff.
const (
	// CaddyImage is Caddy, in the version whose adapter the tests parse the Caddyfile with. Its health check needs
	// wget, which the image has.
	CaddyImage = "caddy:2.11.4-alpine"
	// PostgresImage stays on one Debian release: another libc sorts text differently, which corrupts indexes.
	PostgresImage = "postgres:17.11-bookworm"
)

// EdgeNetwork is the network on which Caddy reaches the apps, by its name in the Compose file.
const EdgeNetwork = "edge"

// DatabaseNetwork is the network on which apps reach Postgres, by its name in the Compose file.
const DatabaseNetwork = "db"

// Paths relative to the stack directory.
const (
	// PostgresPasswordPath has no ".env" at its end, so no app's env file can have the same name.
	PostgresPasswordPath = "env/postgres-password"
)

// ContainerName is the name of the number-th container of an app's service, as Compose gives it. Numbers begin at 1;
// a second container, started beside the first by --scale, has the next free one.
func ContainerName(app string, number int) string {
	return ComposeProject + "-" + app + "-" + strconv.Itoa(number)
}

// SumLabel is the label that tells what a container was made of: its definition, and for an app also its image and its
// env file. The host program compares it with what a container should be made of. Compose's own label would not do: it
// changes with Compose's version, and an upgrade would restart everything.
const SumLabel = "webstack.sum"

// ImageVariable is the variable in compose/.env that holds the image of an app's live release. An app's name has
// letters, digits and "-", so two apps never share a variable.
func ImageVariable(app string) string { return "WEBSTACK_IMAGE_" + variableName(app) }

// SumVariable is the variable in compose/.env that holds the value of a service's SumLabel.
func SumVariable(service string) string { return "WEBSTACK_SUM_" + variableName(service) }

func variableName(service string) string {
	return strings.ToUpper(strings.ReplaceAll(service, "-", "_"))
}

// ComposeEnv is the content of compose/.env: for the apps that have a release, app name to image with tag or digest;
// and for the services that run, those of the apps included, service to the value of its SumLabel. An app without image
// is not started, and Compose does not ask for its image. With this content, `docker compose up` by hand changes
// nothing. Compose prefers variables of its own environment, so it must be run without COMPOSE_PROFILES,
// WEBSTACK_IMAGE_* and WEBSTACK_SUM_*, unless it is to start another release.
func ComposeEnv(images, sums map[string]string) ([]byte, error) {
	apps := slices.Sorted(maps.Keys(images))
	vars := []variable{{"COMPOSE_PROFILES", strings.Join(apps, ",")}}
	for _, app := range apps {
		vars = append(vars, variable{ImageVariable(app), images[app]})
	}
	for _, service := range slices.Sorted(maps.Keys(sums)) {
		vars = append(vars, variable{SumVariable(service), sums[service]})
	}
	return dotenv(vars)
}

// AppEnv is the content of env/APP.env: the app's secure variables and DATABASE_URL. Compose hands the values to the
// container as they are, new lines and dollar signs included. A name that is no identifier, and a value that is not
// UTF-8 or has a NUL, is an error that does not show the value.
func AppEnv(values map[string]string) ([]byte, error) {
	var vars []variable
	for _, name := range slices.Sorted(maps.Keys(values)) {
		vars = append(vars, variable{name, values[name]})
	}
	return dotenv(vars)
}

// Variable is the value of a variable in an env file that AppEnv made, "" when it is not there.
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

// DatabaseURL is the DATABASE_URL of an app: role and database have the same name. address is "host:port": that of
// the external Postgres, which is spoken to over TLS, or "" for the container, which is on a network of the host.
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

// escapes are what Compose's reader of env files undoes between double quotes. That form, unlike format: raw, is
// known to every version of Compose, can hold new lines, and is not interpolated as every "$" is escaped.
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
