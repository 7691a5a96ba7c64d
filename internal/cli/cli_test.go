package cli

import (
	"bytes"
	"strings"
	"testing"
)

// call runs the command in dir and returns its exit status and what it printed.
func call(t *testing.T, dir string, args ...string) (status int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = Command{Stdout: &stdout, Stderr: &stderr, Dir: dir}.Main(args)
	return status, stdout.String(), stderr.String()
}

func TestHelpIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"--help"}, {"local", "up", "-h"}, {"local", "--help"}, {"apps", "help"}, {"apps", "-h"}} {
		status, out, problems := call(t, t.TempDir(), args...)
		if status != ExitOK || !strings.Contains(out, "webstack local preview") || problems != "" {
			t.Errorf("%q: status %d, printed %q and %q", args, status, out, problems)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"no command given":                      {},
		`unknown command "lokal"`:               {"lokal"},
		"webstack local needs one of":           {"local"},
		`unknown command "local start"`:         {"local", "start"},
		`local up takes no argument "now"`:      {"local", "up", "now"},
		"flag provided but not defined: -force": {"local", "up", "--force"},
	}
	for want, args := range tests {
		status, out, problems := call(t, t.TempDir(), args...)
		if status != ExitUsage || out != "" || !strings.Contains(problems, want) ||
			!strings.Contains(problems, "Run webstack help") {
			t.Errorf("%q: status %d, printed %q and %q", args, status, out, problems)
		}
	}
}

func TestOutsideACloneItSaysSo(t *testing.T) {
	t.Parallel()
	status, _, problems := call(t, t.TempDir(), "local", "up")
	if status != ExitFailed || !strings.Contains(problems, "run this inside one") {
		t.Errorf("status %d, printed %q", status, problems)
	}
}

func TestWithoutACloudStatusAndRefreshSayHowToStartOne(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"status", "refresh"} {
		status, _, problems := call(t, clone(t), "local", action)
		if status != ExitFailed || !strings.Contains(problems, "bring it up with: make up") {
			t.Errorf("%s: status %d, printed %q", action, status, problems)
		}
	}
}
