// Package scripttest checks shell scripts in tests.
package scripttest

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"webstack/internal/tooltest"
)

// Check fails the test when bash cannot parse the script, or when shellcheck, where it is installed, finds a fault.
func Check(t *testing.T, script string) {
	t.Helper()
	run(t, script, "bash", "-n")
	if _, err := exec.LookPath("shellcheck"); err != nil {
		tooltest.Missing(t, "shellcheck is not installed; bash itself reports no error")
	}
	run(t, script, "shellcheck", "-")
}

// CheckPattern fails the test unless the pattern of a document's parameter permits good, and permits it with no
// character in it, at any place, that a shell or its quotes take for more than text.
func CheckPattern(t *testing.T, name, pattern, good string) {
	t.Helper()
	re, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if !re.MatchString(good) {
		t.Errorf("%s: the pattern %s does not permit %q", name, pattern, good)
	}
	for _, bad := range "\"'`$\\;&|<>(){}[]*?!#~ \t\r\n\x00" {
		for i := range len(good) + 1 {
			if value := good[:i] + string(bad) + good[i:]; re.MatchString(value) {
				t.Errorf("%s: the pattern %s permits %q", name, pattern, value)
			}
		}
	}
	for _, value := range []string{"", "-" + good} {
		if re.MatchString(value) {
			t.Errorf("%s: the pattern %s permits %q", name, pattern, value)
		}
	}
}

func run(t *testing.T, script, name string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Stdin = strings.NewReader(script)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}
