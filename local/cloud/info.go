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
	// ID names this life of the cloud; what the last one held is gone.
	ID string `json:"id"`
	// Program is the SHA-256 of the executable that runs, in hexadecimal.
	Program string `json:"program"`
	// Region is the AWS region that clients are pointed to.
	Region string `json:"region"`
	// AccessKeyID and SecretAccessKey are those of the account's owner, who may do everything in it. Each life of the cloud
	// has its own.
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	// CloudflareToken is the one token that the Cloudflare API takes. Providers use it in place of the stack's.
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
	// NoHosts is why instances are entries in a list only, in one line; "" when they are machines.
	NoHosts string `json:"noHosts,omitempty"`
	// Hub is true when machines get Docker Hub's images from the stand-in, because Docker Hub cannot be reached. They are
	// pushed to the AWS endpoint's port as the user "hub" with the password ID.
	Hub bool `json:"hub,omitempty"`

	engine *machine.Engine // in the process that is the cloud, unless NoHosts
}

// loopback is the address that every part listens on.
const loopback = "127.0.0.1"

// AWSEndpoint is the URL of the AWS endpoint.
func (i Info) AWSEndpoint() string { return fmt.Sprintf("http://%s:%d", loopback, i.AWS) }

// Endpoints are what clients need to know.
func (i Info) Endpoints() laptop.Endpoints {
	return laptop.Endpoints{
		AWS: i.AWSEndpoint(), AccessKeyID: i.AccessKeyID, SecretAccessKey: i.SecretAccessKey,
		NameServer: net.JoinHostPort(loopback, strconv.Itoa(i.DNS)), Health: i.controlURL("health"), ID: i.ID,
	}
}

// controlURL is the URL of a path of the control endpoint.
func (i Info) controlURL(path string) string {
	return fmt.Sprintf("http://%s:%d/webstack/%s", loopback, i.Control, path)
}

// CloudflareEndpoint is the base URL of the Cloudflare API.
func (i Info) CloudflareEndpoint() string {
	return fmt.Sprintf("http://%s:%d/client/v4", loopback, i.Cloudflare)
}

// EngineEnv is what a Pulumi engine needs to work against this cloud. hasGo tells whether Pulumi's own language host for
// Go is installed; else the engine uses this cloud's.
func (i Info) EngineEnv(hasGo bool) map[string]string {
	var providers []string
	for _, name := range slices.Sorted(maps.Keys(i.Providers)) {
		if usePlugins() && name != "cloudflare" { // Cloudflare's plugin speaks to nothing but https
			continue
		}
		providers = append(providers, fmt.Sprintf("%s:%d", name, i.Providers[name]))
	}
	languages := "" // set in any case: a shell may still have the port of an earlier life
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

// usePlugins tells whether the installed plugins of aws and random are wanted instead of this cloud's providers.
func usePlugins() bool { return os.Getenv("WEBSTACK_PROVIDERS") == "plugins" }

// Credentials are the owner's, for clients of the AWS endpoint.
func (i Info) Credentials() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(i.AccessKeyID, i.SecretAccessKey, "")
}

// clientEnv is what plain clients need. The keys open this life of this cloud only, but all of it: commands on its hosts
// run as root.
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

// shellEnv is the text of local.env. own tells whether a Pulumi of one's own is installed and used.
func (i Info) shellEnv(dir workdir.Dir, own bool, hasGo bool) string {
	env := engine.Environment(dir)
	maps.Copy(env, i.EngineEnv(hasGo))
	maps.Copy(env, i.clientEnv())
	var text strings.Builder
	text.WriteString("# Points pulumi, aws and dig to the laptop cloud of this clone, as long as it runs: source this file.\n")
	text.WriteString("unset AWS_PROFILE AWS_SESSION_TOKEN PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_ACCESS_TOKEN\n")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&text, "export %s=%s\n", name, quote(env[name]))
	}
	if !own {
		fmt.Fprintf(&text, "export PATH=%s:\"$PATH\"\n", quote(filepath.Clean(dir.Bin())))
	}
	return text.String()
}

// quote makes one word of a POSIX shell of value.
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" }
