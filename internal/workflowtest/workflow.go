package workflowtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"webstack/internal/project"
	"webstack/internal/tooltest"
)

// Workflow is a workflow's file.
type Workflow struct {
	On          map[string]any    `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency Concurrency       `yaml:"concurrency"`
	Env         map[string]string `yaml:"env"`
	Jobs        map[string]Job    `yaml:"jobs"`
}

// Concurrency says which runs exclude each other.
type Concurrency struct {
	Group  string `yaml:"group"`
	Cancel bool   `yaml:"cancel-in-progress"`
}

// Job is a job of a workflow.
type Job struct {
	RunsOn         string            `yaml:"runs-on"`
	TimeoutMinutes int               `yaml:"timeout-minutes"`
	Permissions    map[string]string `yaml:"permissions"`
	Steps          []Step            `yaml:"steps"`
}

// Step is a step of a job.
type Step struct {
	Name string            `yaml:"name"`
	ID   string            `yaml:"id"`
	If   string            `yaml:"if"`
	Uses string            `yaml:"uses"`
	With map[string]string `yaml:"with"`
	Env  map[string]string `yaml:"env"`
	Run  string            `yaml:"run"`
}

// Parse reads a workflow.
func Parse(t *testing.T, text []byte) Workflow {
	t.Helper()
	var w Workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatalf("parse the workflow: %v\n%s", err, text)
	}
	return w
}

// Lint fails the test when actionlint, or shellcheck in the shell steps, finds a fault. `make test-unit` builds
// actionlint.
func Lint(t *testing.T, text []byte) {
	t.Helper()
	root, err := project.FindDir(".")
	if err != nil {
		t.Fatal(err)
	}
	actionlint := filepath.Join(root, ".webstack", "bin", "actionlint")
	if _, err := os.Stat(actionlint); err != nil {
		tooltest.Missing(t, "actionlint is not built: make .webstack/bin/actionlint")
	}
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		tooltest.Missing(t, "shellcheck is not installed")
	}
	command := exec.CommandContext(t.Context(), actionlint, "-no-color", "-shellcheck", shellcheck, "-")
	command.Stdin = strings.NewReader(string(text))
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("actionlint: %v\n%s", err, out)
	}
}
