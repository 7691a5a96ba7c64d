package cli

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFlagsMayStandAnywhere(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"shop", "--stack", "dev", "-f"}, {"-f", "shop", "-stack=dev"}, {"-stack", "dev", "-f", "shop"},
	} {
		flags := flag.NewFlagSet("logs", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		stack, follow := flags.String("stack", "", ""), flags.Bool("f", false, "")
		rest, err := parseMixed(flags, args)
		if err != nil || !slices.Equal(rest, []string{"shop"}) || *stack != "dev" || !*follow {
			t.Errorf("%q: %q, %q, %v, %v", args, rest, *stack, *follow, err)
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
		"the form is webstack verify":              {"verify", "now", "-s", "dev"},
		"verify: flag provided but not defined":    {"verify", "--fast"},
		"say which stack: -s dev, -s prod":         {"verify"},
		`unknown command "apps rename"`:            {"apps", "rename", "shop"},
		"the form is webstack apps remove NAME":    {"apps", "remove", "-s", "dev"},
		"the form is webstack logs APP":            {"logs", "-s", "dev"},
		"the form is webstack apps add NAME":       {"apps", "add", "-s", "dev"},
		"the form is webstack shell [-- COMMAND":   {"shell", "ls", "-s", "dev"},
		"flag needs an argument: -s":               {"apps", "list", "-s"},
		"logs: invalid value \"many\" for flag":    {"logs", "shop", "--lines", "many"},
		"apps add: invalid value \"x\" for flag -": {"apps", "add", "shop", "--port", "x"},
	} {
		status, out, problems := call(t, dir, args...)
		if status != ExitUsage || out != "" || !strings.Contains(problems, want) {
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
			"nowhere": "there are stacks dev, local", "local": "bring it up with: make up",
		} {
			status, out, problems := call(t, dir, append(args, "-s", stack)...)
			if status != ExitFailed || out != "" || !strings.Contains(problems, want) || strings.Count(problems, "\n") != 1 {
				t.Errorf("%q on %s: status %d, printed %q and %q", args, stack, status, out, problems)
			}
		}
	}
}
