package cloud

import (
	"strings"
	"testing"
)

func TestPluginsInsteadOfOwnProviders(t *testing.T) {
	info := Info{AWS: 1, Cloudflare: 2, Providers: map[string]int{"aws": 11, "cloudflare": 12, "random": 13}}
	if got := info.EngineEnv(true)["PULUMI_DEBUG_PROVIDERS"]; got != "aws:11,cloudflare:12,random:13" {
		t.Errorf("providers attached: %q", got)
	}
	t.Setenv("WEBSTACK_PROVIDERS", "plugins")
	env := info.EngineEnv(true)
	if got := env["PULUMI_DEBUG_PROVIDERS"]; got != "cloudflare:12" {
		t.Errorf("providers attached beside plugins: %q", got)
	}
	if !strings.HasSuffix(env["AWS_ENDPOINT_URL"], ":1") {
		t.Errorf("the plugins look for AWS at %q", env["AWS_ENDPOINT_URL"])
	}
}
