package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMainIsShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > 40 {
		t.Errorf("main.go has %d lines; what is more than 40 belongs into package stack", lines)
	}
}

// TestProgramImportsFewModules keeps what pulumi up compiles small: the packages of this module that the program
// consists of may import these modules and no other. Of golang.org/x/net it is idna, which Pulumi's SDK brings along.
func TestProgramImportsFewModules(t *testing.T) {
	t.Parallel()
	imports := list(t, "-deps", "-f", `{{if and .Module .Module.Main}}{{range .Imports}}{{.}} {{end}}{{end}}`, ".")
	slices.Sort(imports)
	modules := list(t, append([]string{"-f", `{{if .Module}}{{if not .Module.Main}}{{.Module.Path}}{{end}}{{end}}`},
		slices.Compact(imports)...)...)
	slices.Sort(modules)
	want := []string{
		"github.com/pulumi/pulumi-aws/sdk/v6",
		"github.com/pulumi/pulumi-cloudflare/sdk/v5",
		"github.com/pulumi/pulumi-random/sdk/v4",
		"github.com/pulumi/pulumi/sdk/v3",
		"golang.org/x/net",
		"gopkg.in/yaml.v3",
	}
	if diff := cmp.Diff(want, slices.Compact(modules)); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

// TestTheOperatorsCommandIsSmall: Pulumi's SDK or the laptop cloud would make it three to five times as large, and slow to
// start.
func TestTheOperatorsCommandIsSmall(t *testing.T) {
	t.Parallel()
	for _, pkg := range list(t, "-deps", "./cmd/webstack") {
		if strings.HasPrefix(pkg, "github.com/pulumi/") || strings.HasPrefix(pkg, "webstack/local/") {
			t.Errorf("webstack imports %s", pkg)
		}
	}
}

// list runs go list and returns the words that it prints.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}
