package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/internal/command"
)

// call runs the command in dir and returns its exit status and what it printed.
func call(t *testing.T, dir string, args ...string) (status int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = Command{Stdout: &stdout, Stderr: &stderr, Dir: dir}.Main(args)
	return status, stdout.String(), stderr.String()
}

// clone makes a folder that counts as a clone.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: shop\nruntime: go\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestHelpIsNoFailure(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"Usage:\n  webstack [command]\n\nAvail": {"help"},
		"webstack [command]":                    {"--help"},
		"  verify      Check the":               {"-h"},
		"--domain string ":                      {"help", "apps", "add"},
		"--aliases list ":                       {"apps", "add", "--help"},
		"webstack apps add APP --domain":        {"apps", "add", "-h"},
		"  remove      Remove an app":           {"apps", "--help"},
		"webstack logs shop -f":                 {"help", "logs"},
	} {
		status, out, problems := call(t, t.TempDir(), args...)
		if status != command.ExitOK || !strings.Contains(out, want) || problems != "" {
			t.Errorf("%q: status %d, printed %q and %q", args, status, out, problems)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"webstack needs a command":      {},
		`unknown command "lokal"`:       {"lokal"},
		"Did you mean this?\n\tverify":  {"verfy"},
		"webstack apps needs a command": {"apps"},
		"Did you mean this?\n\tremove":  {"apps", "remvoe", "shop"},
		"did you mean --domain?":        {"apps", "add", "shop", "--domian", "shop.example.com"},
		"did you mean --follow?":        {"logs", "shop", "--folow"},
		"unknown flag: --fast":          {"status", "--fast"},
	} {
		status, out, problems := call(t, t.TempDir(), args...)
		if status != command.ExitUsage || out != "" || !strings.Contains(problems, want) ||
			!strings.Contains(problems, "Run webstack help") {
			t.Errorf("%q: status %d, printed %q and %q", args, status, out, problems)
		}
	}
}

func TestOutsideACloneItSaysSo(t *testing.T) {
	t.Parallel()
	status, _, problems := call(t, t.TempDir(), "verify")
	if status != command.ExitFailed || !strings.Contains(problems, "run this inside one") {
		t.Errorf("status %d, printed %q", status, problems)
	}
}

// A shell asks the hidden command __complete for what fits.
func TestCompletion(t *testing.T) {
	t.Parallel()
	dir := sample(t)
	for want, args := range map[string][]string{
		"dev\nlocal\n":                     {"verify", "--stack", ""},
		"local\n":                          {"verify", "-s", "l"},
		"shop\nblog\n":                     {"apps", "remove", "-s", "local", ""},
		"shop\nblog\ncaddy\npostgres\n":    {"logs", "-s", "local", ""},
		"postgres\n":                       {"logs", "-s", "local", "p"},
		"add\tAdd an app to the stack":     {"apps", "a"},
		":4\n":                             {"logs", "shop", ""},
		"--lines\tmaximum number of lines": {"logs", "shop", "--li"},
	} {
		status, out, _ := call(t, dir, append([]string{"__complete"}, args...)...)
		if status != command.ExitOK || !strings.HasPrefix(out, want) {
			t.Errorf("%q: status %d, offered %q, want %q", args, status, out, want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		status, out, problems := call(t, t.TempDir(), "completion", shell)
		if status != command.ExitOK || !strings.Contains(out, "webstack") || problems != "" {
			t.Errorf("%s: status %d, printed %d bytes and %q", shell, status, len(out), problems)
		}
	}
}

// A full disk, or a pager that was closed.
func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = full.Close() }()
	status := Command{Stdout: full, Stderr: &stderr, Dir: t.TempDir()}.Main([]string{"help"})
	if status != command.ExitFailed || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("status %d, printed %q", status, stderr.String())
	}
}

func TestStacksAreNamedAsPulumiNamesThem(t *testing.T) {
	t.Parallel()
	status, out, problems := call(t, sample(t), "apps", "list", "--json", "-s", "organization/webstack/dev")
	if status != command.ExitOK || !strings.Contains(out, `"stack": "dev"`) || strings.Contains(out, "null") {
		t.Errorf("status %d, printed %q and %q", status, out, problems)
	}
}

// A word that a shell completes may be run by it.
func TestCompletionOffersNamesOnly(t *testing.T) {
	t.Parallel()
	dir := clone(t)
	text := "config:\n  webstack:apps:\n    \"$(touch x)\": {}\n    \"_activeHelp_ hi\": {}\n    \"a\\nb\": {}\n    shop: {}\n"
	for _, stack := range []string{"dev", "$(id)"} {
		if err := os.WriteFile(filepath.Join(dir, "Pulumi."+stack+".yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for want, args := range map[string][]string{"shop\n:4\n": {"apps", "remove", "-s", "dev", ""}, "dev\n:4\n": {"verify", "-s", ""}} {
		if _, out, _ := call(t, dir, append([]string{"__complete"}, args...)...); !strings.HasPrefix(out, want) {
			t.Errorf("%q: offered %q, want %q", args, out, want)
		}
	}
}
