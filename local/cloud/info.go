package cloud

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"webstack/internal/laptop"
	"webstack/local/engine"
	"webstack/local/machine"
	"webstack/local/workdir"
)

// Info says where the parts of a running laptop cloud answer. All of them listen on 127.0.0.1 only.
type Info struct {
	// PID is the process id.
	PID int `json:"pid"`
	// ID identifies this run of the laptop cloud. What the last run held is gone.
	ID string `json:"id"`
	// Program is the SHA-256 of the executable that runs, in hexadecimal.
	Program string `json:"program"`
	// Region is the AWS region for clients.
	Region string `json:"region"`
	// AccessKeyID and SecretAccessKey belong to the account's owner, who may do everything in it. They are new in each
	// run of the laptop cloud.
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	// CloudflareToken is the one token that the Cloudflare API accepts. Providers use it instead of the stack's.
	CloudflareToken string `json:"cloudflareToken"`
	// Control is the port of the control endpoint.
	Control int `json:"control"`
	// AWS is the port of the AWS endpoint.
	AWS int `json:"aws"`
	// Cloudflare is the port of the Cloudflare API.
	Cloudflare int `json:"cloudflare"`
	// DNS is the port, UDP and TCP, of the name server.
	DNS int `json:"dns"`
	// Providers are the ports of the resource providers, by package name.
	Providers map[string]int `json:"providers"`
	// LanguageHost is the port of the Go language host.
	LanguageHost int `json:"languageHost"`
	// NoHosts is the reason why instances are only entries in a list, in one line; "" if they are machines.
	NoHosts string `json:"noHosts,omitempty"`
	// Hub is true if machines get Docker Hub's images from the stand-in, because Docker Hub cannot be reached. The
	// images are pushed to the AWS endpoint's port as the user "hub" with the password ID.
	Hub bool `json:"hub,omitempty"`

	engine *machine.Engine // only in the process of the laptop cloud, and only if NoHosts is ""
}

// loopback is the address that every part listens on.
const loopback = "127.0.0.1"

// AWSEndpoint returns the URL of the AWS endpoint.
func (i Info) AWSEndpoint() string { return fmt.Sprintf("http://%s:%d", loopback, i.AWS) }

// Endpoints returns what clients need to know.
func (i Info) Endpoints() laptop.Endpoints {
	return laptop.Endpoints{
		AWS: i.AWSEndpoint(), AccessKeyID: i.AccessKeyID, SecretAccessKey: i.SecretAccessKey,
		NameServer: net.JoinHostPort(loopback, strconv.Itoa(i.DNS)), Health: i.controlURL("health"), ID: i.ID,
	}
}

// controlURL returns the URL of a path of the control endpoint.
func (i Info) controlURL(path string) string {
	return fmt.Sprintf("http://%s:%d/webstack/%s", loopback, i.Control, path)
}

// CloudflareEndpoint returns the base URL of the Cloudflare API.
func (i Info) CloudflareEndpoint() string {
	return fmt.Sprintf("http://%s:%d/client/v4", loopback, i.Cloudflare)
}

// EngineEnv returns the environment that a Pulumi engine needs to use this laptop cloud. hasGo is true if Pulumi's own
// language host for Go is installed; otherwise the engine uses this one's.
func (i Info) EngineEnv(hasGo bool) map[string]string {
	var providers []string
	for _, name := range slices.Sorted(maps.Keys(i.Providers)) {
		if usePlugins() && name != "cloudflare" { // Cloudflare's plugin speaks only https
			continue
		}
		providers = append(providers, fmt.Sprintf("%s:%d", name, i.Providers[name]))
	}
	languages := "" // always set: a shell may still have the port of an earlier run
	if !hasGo {
		languages = fmt.Sprintf("go:%d", i.LanguageHost)
	}
	env := map[string]string{
		"PULUMI_DEBUG_PROVIDERS": strings.Join(providers, ","),
		"PULUMI_DEBUG_LANGUAGES": languages,
	}
	if usePlugins() {
		maps.Copy(env, i.clientEnv()) // the plugins find the AWS endpoint as every client does
	}
	return env
}

// usePlugins reports whether to use the installed plugins of aws and random instead of this laptop cloud's providers.
func usePlugins() bool { return os.Getenv("WEBSTACK_PROVIDERS") == "plugins" }

// Credentials returns the owner's credentials, for clients of the AWS endpoint.
func (i Info) Credentials() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(i.AccessKeyID, i.SecretAccessKey, "")
}

// clientEnv returns the environment that ordinary clients need. The keys are good only for this run of the laptop
// cloud, but for all of it: commands on its hosts run as root.
func (i Info) clientEnv() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":          i.AWSEndpoint(),
		"AWS_REGION":                i.Region,
		"AWS_DEFAULT_REGION":        i.Region,
		"AWS_ACCESS_KEY_ID":         i.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":     i.SecretAccessKey,
		"AWS_EC2_METADATA_DISABLED": "true",
		"CLOUDFLARE_BASE_URL":       i.CloudflareEndpoint(),
		"CLOUDFLARE_API_TOKEN":      i.CloudflareToken,
		"WEBSTACK_DNS_ADDR":         loopback,
		"WEBSTACK_DNS_PORT":         fmt.Sprint(i.DNS),
	}
}

// shellEnv returns the text of local.env. own is true if the user's own Pulumi is installed and used.
func (i Info) shellEnv(dir workdir.Dir, own bool, hasGo bool) string {
	env := engine.Environment(dir)
	maps.Copy(env, i.EngineEnv(hasGo))
	maps.Copy(env, i.clientEnv())
	var text strings.Builder
	text.WriteString("# Source this file to point pulumi, aws and dig at the running laptop cloud of this clone.\n")
	text.WriteString("unset AWS_PROFILE AWS_SESSION_TOKEN PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_ACCESS_TOKEN\n")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&text, "export %s=%s\n", name, quote(env[name]))
	}
	if !own {
		fmt.Fprintf(&text, "export PATH=%s:\"$PATH\"\n", quote(filepath.Clean(dir.Bin())))
	}
	return text.String()
}

// quote quotes value as one word for a POSIX shell.
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" }
