package config_test

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"
)

// FuzzLoad feeds Load anything: it must not panic, its problems must be one line each and sorted, and none may
// hold a value that is secret.
func FuzzLoad(f *testing.F) {
	f.Add("{}", "{}", "t4g.small", "shop", "KEY")
	f.Add(shop(`"zone":"example.com","aliases":["a.example.com"]`), `{"shop":{"A":"1"}}`, "local", "shop", "A")
	f.Add(`{"shop":{"domain":["x"]}}`, `[[[[[[[[[[[[1]]]]]]]]]]]]`, "", "", "")
	f.Add(`{"a":{"domain":"b.c"},"a":{"domain":"b.c"}}`, `{"a":null}`, "\x00", "a\nb", "é")
	f.Fuzz(func(t *testing.T, apps, envPlain, scalar, app, name string) {
		const canary = "canary-9f8e7d6c"
		secure, err := json.Marshal(map[string]any{
			app: map[string]any{name: canary + "{{"}, "x": canary, "y": []string{canary},
		})
		if err != nil {
			t.Fatal(err)
		}
		pairs := []string{
			"apps", apps, "appEnvPlain", envPlain, "appEnvSecure", string(secure), "postgresPassword", canary + " ",
			"cloudflare:apiToken", canary,
		}
		for _, key := range []string{
			"instanceType", "stackDir", "sshAllowedCidr", "vpcCidr", "natMode", "amiId", "rootVolumeSize", "useEip",
			"postgresUser", "activeApp", "caddyEmail", "acme", "dbBackupBucketName", "backupSchedule",
		} {
			pairs = append(pairs, key, scalar)
		}
		_, err = load("dev", pairs...)
		text := fmt.Sprint(err)
		if strings.Contains(text, canary) {
			t.Errorf("a secret shows in %s", text)
		}
		lines := strings.Split(text, "\n")
		paths := make([]string, 0, len(lines))
		for _, line := range lines {
			path, _, ok := strings.Cut(line, ": ")
			if !ok {
				t.Errorf("line %q has no path", line)
			}
			paths = append(paths, path)
		}
		if !sort.StringsAreSorted(paths) && !strings.Contains(text, `": `) {
			t.Errorf("problems are not sorted:\n%s", text)
		}
	})
}
