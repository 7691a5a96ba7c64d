package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/internal/command"
)

// sample makes a clone with the project and stack files of this repository.
func sample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.local.yaml"} {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dir, stack string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "Pulumi."+stack+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAppsAdd(t *testing.T) {
	t.Parallel()
	for stack, next := range map[string]string{
		"dev":   "pulumi up --stack dev.\nUntil its first deploy, the app answers 503",
		"local": "make preview, then make up.\nUntil its first deploy, the app runs the demo image",
	} {
		dir := sample(t)
		zone := map[string]string{"dev": "example.com", "local": "localhost"}[stack]
		before := read(t, dir, stack)
		status, out, problems := call(t, dir, "apps", "add", "wiki", "--domain", "wiki."+zone, "--zone", zone,
			"--port", "3000", "--aliases", "w."+zone+",www.wiki."+zone, "--cf-ttl=300", "--memory", "512", "-s", stack, "--yes")
		if status != command.ExitOK || !strings.Contains(out, next) {
			t.Fatalf("status %d, printed %q and %q", status, out, problems)
		}
		block := "    wiki:\n      domain: wiki." + zone + "\n      zone: " + zone + "\n      aliases: [w." + zone + ", www.wiki." +
			zone + "]\n      cfTtl: 300\n      containerPort: 3000\n      memoryMb: 512\n"
		if after := read(t, dir, stack); strings.Replace(after, block, "", 1) != before || after == before {
			t.Errorf("%s became\n%s", stack, after)
		}
		for line := range strings.Lines(block) {
			if !strings.Contains(out, "+"+line) {
				t.Errorf("the diff lacks %q:\n%s", line, out)
			}
		}
		if strings.Contains(out, "\n-  ") {
			t.Errorf("the diff removes something:\n%s", out)
		}
		info, err := os.Stat(filepath.Join(dir, "Pulumi."+stack+".yaml"))
		if err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
}

func TestAppsAddRefusesAndWritesNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		args   []string
		wants  []string
	}{
		"all problems at once": {command.ExitFailed, []string{"Wiki", "--domain", "WIKI", "--port", "0", "--yes"},
			[]string{"apps.Wiki: ", "apps.Wiki.domain: ", "apps.Wiki.containerPort: ", "nothing was written"}},
		"domain taken": {command.ExitFailed, []string{"wiki", "--domain", "shop.example.com", "--yes"}, []string{"is already apps.shop"}},
		"there":        {command.ExitFailed, []string{"shop", "--domain", "s.example.com", "--yes"}, []string{"is already in the stack"}},
		"no domain":    {command.ExitFailed, []string{"wiki", "--yes"}, []string{"--domain is missing"}},
		"nobody asked": {command.ExitUsage, []string{"wiki", "--domain", "wiki.example.com"}, []string{"add --yes"}},
		"no number":    {command.ExitUsage, []string{"wiki", "--domain", "w.example.com", "--port", "x"}, []string{"give a whole number"}},
	}
	for name, test := range tests {
		dir := sample(t)
		before := read(t, dir, "dev")
		status, _, problems := call(t, dir, append([]string{"apps", "add", "-s", "dev"}, test.args...)...)
		if status != test.status || read(t, dir, "dev") != before {
			t.Errorf("%s: status %d, or the file was changed", name, status)
		}
		for _, want := range test.wants {
			if !strings.Contains(problems, want) {
				t.Errorf("%s: printed %q, not %q", name, problems, want)
			}
		}
	}
}

func TestAppsAddForScripts(t *testing.T) {
	t.Parallel()
	status, out, problems := call(t, sample(t), "apps", "add", "wiki", "--domain=wiki.example.com", "-s=dev", "--yes", "--json")
	var got edited
	if err := json.Unmarshal([]byte(out), &got); status != command.ExitOK || err != nil || !got.Written || got.App != "wiki" ||
		!strings.Contains(got.Diff, "+    wiki:\n") {
		t.Errorf("status %d, printed %q and %q: %v", status, out, problems, err)
	}
}

func TestAppsRemove(t *testing.T) {
	t.Parallel()
	dir := sample(t)
	before := read(t, dir, "local")
	status, out, problems := call(t, dir, "apps", "remove", "shop", "-s", "local", "--yes")
	if status != command.ExitOK || problems != "" {
		t.Fatalf("status %d, printed %q and %q", status, out, problems)
	}
	after := read(t, dir, "local")
	for _, gone := range []string{"    shop:", "activeApp", "SESSION_KEY", "LOG_LEVEL"} {
		if strings.Contains(after, gone) || !strings.Contains(before, gone) || !strings.Contains(out, gone) {
			t.Errorf("%s is still there, or its end is not shown:\n%s\n%s", gone, after, out)
		}
	}
	for _, want := range []string{"--- Pulumi.local.yaml\n", "\n-    shop:\n", "make preview, then make up", `its database "shop" in Postgres`} {
		if !strings.Contains(out, want) {
			t.Errorf("printed %q, without %q", out, want)
		}
	}
	// What is written is a config: the command reads it again.
	status, out, _ = call(t, dir, "apps", "remove", "blog", "-s", "local", "--yes", "--json")
	var got edited
	if err := json.Unmarshal([]byte(out), &got); status != command.ExitOK || err != nil || !got.Written || got.App != "blog" {
		t.Errorf("status %d, printed %q: %v", status, out, err)
	}
	status, _, problems = call(t, dir, "apps", "remove", "blog", "-s", "local", "--yes")
	if status != command.ExitFailed || !strings.Contains(problems, `"blog": it is not in the stack file, which has no apps`) {
		t.Errorf("status %d, printed %q", status, problems)
	}
}

func TestAppsRemoveAsksFirst(t *testing.T) {
	t.Parallel()
	dir := sample(t)
	before := read(t, dir, "dev")
	status, _, problems := call(t, dir, "apps", "remove", "shop", "-s", "dev")
	if status != command.ExitUsage || !strings.Contains(problems, "add --yes") || read(t, dir, "dev") != before {
		t.Errorf("status %d, printed %q", status, problems)
	}
}

// An app may have many names; the table stays readable.
func TestAppsListIsNoWiderThanATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report := appsReport{Apps: []appReport{{Name: "shop", Domain: "shop.example.com", Port: 8080, MemoryMb: 256, Repository: "webstack-dev/shop"}}}
	for i := range 60 {
		report.Apps[0].Aliases = append(report.Apps[0].Aliases, fmt.Sprintf("a%d.example.com", i))
	}
	o := &operator{Streams: command.NewStreams(nil, &out, io.Discard)}
	if err := o.writeApps(report, false); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 110 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	if !strings.Contains(out.String(), "shop.example.com (+60 aliases)") {
		t.Error(out.String())
	}
}

func TestTheFileMayNotChangeMeanwhile(t *testing.T) {
	t.Parallel()
	dir := sample(t)
	file := filepath.Join(dir, "Pulumi.dev.yaml")
	if err := replace(file, []byte("another text"), []byte("new")); err == nil || !strings.Contains(err.Error(), "in the meantime") {
		t.Error(err)
	}
	link := filepath.Join(dir, "link.yaml")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := replace(link, []byte(read(t, dir, "dev")), []byte("new")); err != nil || read(t, dir, "dev") != "new" {
		t.Errorf("%v: %s", err, read(t, dir, "dev"))
	}
}

func TestAppsListWithoutAHost(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "")
	dir := sample(t)
	status, out, problems := call(t, dir, "apps", "list", "-s", "local")
	if status != command.ExitOK || !strings.Contains(out, "shop   shop.localhost (+1 alias)   8080") ||
		!strings.Contains(problems, "are unknown: the laptop cloud is not running") {
		t.Errorf("status %d, printed %q and %q", status, out, problems)
	}
	status, out, _ = call(t, dir, "apps", "list", "-s", "local", "--json")
	var got appsReport
	if err := json.Unmarshal([]byte(out), &got); status != command.ExitOK || err != nil || len(got.Apps) != 2 ||
		got.Apps[0].Name != "blog" || got.Apps[0].Repository != "webstack-local/blog" || got.HostError == "" {
		t.Errorf("status %d, printed %q: %v", status, out, err)
	}
}

func TestFlagNames(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"domain": "domain", "githubRepo": "github-repo", "containerPort": "port", "memoryMb": "memory", "cfTtl": "cf-ttl",
	} {
		if got := flagName(field); got != want {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
}
