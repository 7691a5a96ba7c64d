// Package tooltest handles tests that need a tool that a computer may not have.
package tooltest

import (
	"fmt"
	"os"
	"testing"
)

// Missing skips a test for want of a tool. In continuous integration, where the environment variable CI is set, it fails
// the test instead: a run there must leave nothing out.
func Missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	text := fmt.Sprintf(format, args...)
	if os.Getenv("CI") != "" {
		tb.Fatal("CI must have what this test needs: " + text)
	}
	tb.Skip(text)
}
