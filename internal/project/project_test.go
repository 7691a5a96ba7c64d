package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindDirWalksUpToTheProject(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	inner := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := FindDir(inner); err == nil || !strings.Contains(err.Error(), "run this inside one") {
		t.Errorf("without Pulumi.yaml: got %v, want advice", err)
	}
	if err := os.WriteFile(filepath.Join(root, "Pulumi.yaml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{inner, root} {
		got, err := FindDir(from)
		if err != nil || got != root {
			t.Errorf("FindDir(%s) = %s, %v; want %s", from, got, err, root)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"name: shop\nruntime: go\n": "shop", "runtime: go\n": "", "name: [": "", "": ""} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := Name(dir)
		if got != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "Pulumi.yaml") {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := Name(t.TempDir()); err == nil {
		t.Error("found the name of a project that does not exist")
	}
}

func TestStackName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"dev": "dev", "acme/dev": "dev", "organization/webstack/dev.eu": "dev.eu",
		"": "", "a/b/c/d": "", "../dev": "", "/dev": "", "dev/": "", "..": "", "a\nb": "", "a b": "",
	} {
		if got, err := StackName(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}
