package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/config"
)

var update = flag.Bool("update", false, "write golden files, then fail")

// loadText loads the text of Pulumi.local.yaml without any key for its secrets.
func loadText(text string) (*config.Config, error) {
	file, err := config.ParseFile("Pulumi.local.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	return config.Source{Stack: config.LocalStack, File: file}.Load()
}

// TestBadStackFiles compares what is said of each file in testdata with a golden file.
func TestBadStackFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/stackfiles/bad/*.yaml")
	if err != nil || len(files) < 60 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	var got strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = loadText(string(text))
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: the error holds a secret", name)
		}
		for line := range strings.Lines(fmt.Sprint(err)) {
			if !strings.HasPrefix(line, "Pulumi.local.yaml") {
				t.Errorf("%s: %q does not name the file", name, line)
			}
		}
		fmt.Fprintf(&got, "== %s\n%v\n", filepath.Base(name), err)
	}
	// A new key is no news here.
	text := strings.NewReplacer(allKeys(), "<the keys>", allFields(), "<the fields>").Replace(got.String())
	const golden = "testdata/stackfiles/problems.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Fatal("golden file written; run the test again")
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestGoodStackFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/stackfiles/good/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for form, text := range map[string]string{
			"as it is":  string(text),
			"with CRLF": strings.ReplaceAll(string(text), "\n", "\r\n"),
			"with BOM":  "\xef\xbb\xbf" + string(text),
		} {
			if _, err := loadText(text); err != nil {
				t.Errorf("%s %s: %v", name, form, err)
			}
		}
	}
}
