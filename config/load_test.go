package config_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/config"
)

// token has the form of a Cloudflare API token.
const token = "0123456789abcdefghijklmnopqrstuvwxyzABCD"

// load loads a stack with the given keys, without namespace unless they have one.
func load(stack string, pairs ...string) (*config.Config, error) {
	values := map[string]string{"aws:region": "us-east-1"}
	for i := 0; i < len(pairs); i += 2 {
		key := pairs[i]
		if !strings.Contains(key, ":") {
			key = config.Namespace + ":" + key
		}
		values[key] = pairs[i+1]
	}
	return config.Load(stack, values)
}

func TestLoadFillsInDefaults(t *testing.T) {
	t.Parallel()
	got, err := load("dev")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		AWS: config.AWS{Region: "us-east-1"}, InstanceType: "t4g.small", RootVolumeSize: 16, DataVolumeSize: 20, StackDir: "/opt/webstack",
		VpcCidr: "10.20.0.0/16", NatMode: config.NatNone,
		PostgresUser: "postgres", PostgresDefaultDb: "app",
		Acme: "letsencrypt", AccessLog: config.AccessLogRedacted, EnablePgDumpToS3: true, BackupSchedule: "nightly", BackupRetentionDays: 30,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestLoadResolvesAnApp(t *testing.T) {
	t.Parallel()
	got, err := load("Prod_1",
		"apps", `{"shop": {"domain": "example.com", "zone": "example.com", "aliases": ["www.example.com"],
			"cfProxied": true, "githubRepo": "acme/shop", "githubOwnerId": 12, "githubRepoId": 34, "memoryMb": 512, "init": false,
			"startTimeoutSeconds": 600, "drainTimeoutSeconds": 0, "stopGraceSeconds": 60,
			"releaseCommand": ["bin/migrate", "--all"], "releaseTimeoutSeconds": 60},
			"blog": {"domain": "blog.example.com", "zone": "example.com", "cfTtl": 300, "repoName": "acme/blog"}}`,
		"appEnvPlain", `{"shop": {"LEVEL": "info"}}`,
		"appEnvSecure", `{"shop": {"KEY": "s3cr3t"}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.App{
		{Name: "blog", Domain: "blog.example.com", Zone: "example.com", RecordName: "blog", CfTtl: 300,
			RepoName: "acme/blog", GithubBranch: "main", ContainerPort: 8080, HealthPath: "/", MemoryMb: 256, Init: true,
			StartTimeoutSeconds: 90, DrainTimeoutSeconds: 30, StopGraceSeconds: 10, ReleaseTimeoutSeconds: 600,
			EnvPlain: map[string]string{}, EnvSecure: map[string]config.Secret{}},
		{Name: "shop", Domain: "example.com", Zone: "example.com", RecordName: "@", Aliases: []string{"www.example.com"},
			CfProxied: true, CfTtl: 1, RepoName: "webstack-prod-1/shop", GithubRepo: "acme/shop", GithubBranch: "main",
			GithubOwnerID: 12, GithubRepoID: 34, ContainerPort: 8080, HealthPath: "/", MemoryMb: 512,
			StartTimeoutSeconds: 600, StopGraceSeconds: 60,
			ReleaseCommand: []string{"bin/migrate", "--all"}, ReleaseTimeoutSeconds: 60,
			EnvPlain: map[string]string{"LEVEL": "info"}, EnvSecure: map[string]config.Secret{"KEY": "s3cr3t"}},
	}
	if diff := cmp.Diff(want, got.Apps); diff != "" {
		t.Errorf("apps (-want +got):\n%s", diff)
	}
	if got.ActiveApp != "blog" {
		t.Errorf("active app is %q, want the first by name", got.ActiveApp)
	}
}

func TestInstanceTypeLocal(t *testing.T) {
	t.Parallel()
	c, err := load(config.LocalStack, "instanceType", "local")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"arm64": "t4g.small"}[runtime.GOARCH]; want != "" && c.InstanceType != want ||
		c.Arch() != runtime.GOARCH {
		t.Errorf("local is %s with architecture %s on %s", c.InstanceType, c.Arch(), runtime.GOARCH)
	}
}

func TestArch(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string]string{
		"t4g.small": "arm64", "a1.medium": "arm64", "c7gn.large": "arm64", "r8gd.xlarge": "arm64", "im4gn.large": "arm64",
		"is4gen.medium": "arm64", "x2gd.medium": "arm64", "g5g.xlarge": "arm64", "p6e-gb200.36xlarge": "arm64",
		"t3.small": "amd64", "t3a.small": "amd64", "g4dn.xlarge": "amd64", "g6.xlarge": "amd64", "m7i-flex.large": "amd64",
		"u-3tb1.56xlarge": "amd64", "m7a.medium": "amd64",
	} {
		c, err := load("dev", "instanceType", instanceType)
		if err != nil {
			t.Error(err)
		} else if c.Arch() != want {
			t.Errorf("%s is %s, want %s", instanceType, c.Arch(), want)
		}
	}
}

func TestScheduleExpression(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"hourly": "cron(0 0/1 * * ? *)", "nightly": "cron(15 3 ? * * *)", "weekly": "cron(15 3 ? * SUN *)",
		"cron(0/30 * * * ? *)": "cron(0/30 * * * ? *)", "cron(30 23 ? * TUE#3 *)": "cron(30 23 ? * TUE#3 *)",
		"cron(0 2 ? * THUL *)": "cron(0 2 ? * THUL *)",
	} {
		c, err := load("dev", "backupSchedule", word)
		if err != nil {
			t.Error(err)
		} else if got := c.BackupSchedule.ScheduleExpression(); got != want {
			t.Errorf("%s is %s, want %s", word, got, want)
		}
	}
}

func TestRecordName(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{"example.com": "@", "a.b.example.com": "a.b"} {
		if got := config.RecordName(domain, "example.com"); got != want {
			t.Errorf("record of %s is %s, want %s", domain, got, want)
		}
	}
}

func TestSecretsInClear(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"aws:region": "us-east-1", "webstack:postgresPassword": "canary-canary-canary", "cloudflare:apiToken": token,
		"webstack:apps":         shop(""),
		"webstack:appEnvSecure": `{"shop":{"KEY":"canary","B":"{}"}}`, "webstack:appEnvPlain": `{"shop":{"LEVEL":"info"}}`,
	}
	secret := func(key string) bool {
		return key == "webstack:postgresPassword" || key == "cloudflare:apiToken" || key == "webstack:appEnvSecure"
	}
	if _, err := (config.Source{Stack: "dev", Values: values, Encrypted: secret}).Load(); err != nil {
		t.Error(err)
	}
	none := func(string) bool { return false }
	if _, err := (config.Source{Stack: "dev", Encrypted: none, Values: map[string]string{
		"aws:region": "us-east-1", "webstack:postgresPassword": "", "webstack:appEnvSecure": "{}",
	}}).Load(); err != nil {
		t.Error(err)
	}
	_, err := config.Source{Stack: "dev", Values: values, Encrypted: none}.Load()
	const set = ": is not encrypted; set it with pulumi config set --secret "
	want := "appEnvSecure.shop.B" + set + "--path 'webstack:appEnvSecure.shop.B'\n" +
		"appEnvSecure.shop.KEY" + set + "--path 'webstack:appEnvSecure.shop.KEY'\n" +
		"cloudflare:apiToken" + set + "cloudflare:apiToken\n" +
		"postgresPassword" + set + "webstack:postgresPassword"
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Error(diff)
	}
	all := func(string) bool { return true }
	_, err = config.Source{Stack: "dev", Values: values, Encrypted: all}.Load()
	for _, want := range []string{"appEnvPlain: is encrypted", "apps: is encrypted", "aws:region: is encrypted"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestSecretNeverShows(t *testing.T) {
	t.Parallel()
	type holder struct {
		S config.Secret
		M map[string]config.Secret
	}
	h := holder{"canary", map[string]config.Secret{"K": "canary"}}
	texts := []string{
		fmt.Sprint(h.S, h, &h), fmt.Sprintf("%v %+v %#v %s %q %x %X %d", h, h, h, h.S, h.S, h.S, h.S, h.S),
		h.S.String(), h.S.GoString(), fmt.Sprint(fmt.Errorf("wrap %w %v", fmt.Errorf("x"), h.S)),
	}
	out, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(texts, string(out)) {
		if strings.Contains(text, "canary") || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", "canary")) {
			t.Errorf("secret shows in %q", text)
		}
		if !strings.Contains(text, "[secret]") {
			t.Errorf("%q does not say that there is a secret", text)
		}
	}
	if h.S.Reveal() != "canary" {
		t.Error("Reveal does not give the value")
	}
}
