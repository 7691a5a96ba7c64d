// Package golden compares what a test made with files that are kept beside the test.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files, then fail")

// Compare compares got with testdata/<name of the test><suffix>. With -update it writes the file and fails the test, so
// that a run that updates is never taken for one that passed.
func Compare(tb testing.TB, got []byte, suffix string) {
	tb.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(tb.Name())+suffix)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			tb.Fatal(err)
		}
		tb.Errorf("%s is written; run the test again without -update", path)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		tb.Fatalf("read the golden file (make it with -update): %v", err)
	}
	if !bytes.Equal(want, got) {
		tb.Errorf("%s differs (-want +got), renew it with -update:\n%s", path, cmp.Diff(
			strings.Split(string(want), "\n"), strings.Split(string(got), "\n")))
	}
}
