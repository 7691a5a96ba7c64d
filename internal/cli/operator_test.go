package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/internal/command"
)

func TestFlagsMayStandAnywhere(t *testing.T) {
	t.Parallel()
	dir := stacks(t, "dev", "prod")
	for _, args := range [][]string{
		{"logs", "shop", "--stack", "nowhere", "-f"}, {"-s", "nowhere", "logs", "-f", "shop"}, {"logs", "-fs=nowhere", "shop"},
	} {
		status, _, problems := call(t, dir, args...)
		if status != command.ExitFailed || !strings.Contains(problems, "there is no file Pulumi.nowhere.yaml") {
			t.Errorf("%q: status %d, printed %q", args, status, problems)
		}
	}
}

// stacks makes a clone with stack files of those names.
func stacks(t *testing.T, names ...string) string {
	t.Helper()
	dir := clone(t)
	for _, name := range names {
		text := "config:\n  aws:region: eu-central-1\n"
		if err := os.WriteFile(filepath.Join(dir, "Pulumi."+name+".yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOperatorCommandsAreUsedWrongly(t *testing.T) {
	t.Parallel()
	dir := stacks(t, "dev", "prod")
	for want, args := range map[string][]string{
		`unexpected argument "now"`:            {"verify", "now", "-s", "dev"},
		"verify: unknown flag: --fast":         {"verify", "--fast"},
		"choose a stack: -s dev, -s prod":      {"verify"},
		`unknown command "rename"`:             {"apps", "rename", "shop"},
		"APP is missing: webstack apps remove": {"apps", "remove", "-s", "dev"},
		`unexpected argument "b": webstack l`:  {"logs", "a", "b", "-s", "dev"},
		"as in --json=false":                   {"apps", "list", "--json", "false"},
		`"a\nb" is not the name of a stack`:    {"verify", "-s", "a\nb"},
		`"../dev" is not the name of a stack`:  {"verify", "-s", "../dev"},
		"--stack is empty":                     {"apps", "list", "-s", ""},
		"put the command after two dashes: we": {"shell", "-s", "dev", "df", "-h"},
		"put the command after two dashes":     {"shell", "ls", "-s", "dev"},
		"flag needs an argument: 's' in -s":    {"apps", "list", "-s"},
		`invalid argument "many" for "--li`:    {"logs", "shop", "--lines", "many"},
		"--port\" flag: give a whole number":   {"apps", "add", "shop", "--port", "x"},
	} {
		status, out, problems := call(t, dir, args...)
		if status != command.ExitUsage || out != "" || !strings.Contains(problems, want) {
			t.Errorf("%q: status %d, printed %q and %q", args, status, out, problems)
		}
	}
}

func TestOperatorCommandsAnswerInOneLine(t *testing.T) {
	dir := stacks(t, "dev", "local")
	t.Setenv("PULUMI_STACK", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	for _, args := range [][]string{{"verify"}, {"status"}, {"logs", "shop"}} {
		for stack, want := range map[string]string{
			"nowhere": "there are stacks dev, local", "local": "start it with: make up",
		} {
			status, out, problems := call(t, dir, append(args, "-s", stack)...)
			if status != command.ExitFailed || out != "" || !strings.Contains(problems, want) || strings.Count(problems, "\n") != 1 {
				t.Errorf("%q on %s: status %d, printed %q and %q", args, stack, status, out, problems)
			}
		}
	}
}
