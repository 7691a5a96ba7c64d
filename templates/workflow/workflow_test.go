package workflow

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/internal/golden"
	"webstack/internal/workflowtest"
)

// workflow is a workflow's data for a host of that architecture.
func sample(arch string) App {
	return App{
		Name: "shop", Stack: "dev", URL: "https://shop.example.com", GithubRepo: "acme/shop", Branch: "release/1.x",
		Arch: arch, Region: "eu-central-1", RoleArn: "arn:aws:iam::123456789012:role/webstack-dev-deploy-shop",
		Registry:   "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
		Repository: "webstack-dev/shop", Document: "webstack-dev-deploy-shop", InstanceParam: "/webstack/dev/instance",
		DeployMinutes: 22,
	}
}

func render(t *testing.T, a App) []byte {
	t.Helper()
	text, err := a.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestText(t *testing.T) {
	t.Parallel()
	for arch, runner := range map[string]string{"arm64": "ubuntu-24.04-arm", "amd64": "ubuntu-24.04"} {
		t.Run(arch, func(t *testing.T) {
			t.Parallel()
			text := render(t, sample(arch))
			golden.Compare(t, text, ".yml")
			workflowtest.Lint(t, text)
			w := workflowtest.Parse(t, text)
			if job := w.Jobs["deploy"]; job.RunsOn != runner || w.Env["PLATFORM"] != "linux/"+arch || job.TimeoutMinutes <= 22 {
				t.Errorf("it runs on %s for %s, %d minutes", job.RunsOn, w.Env["PLATFORM"], job.TimeoutMinutes)
			}
		})
	}
}

var pinned = regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40}$`)

func TestTextIsSafe(t *testing.T) {
	t.Parallel()
	w := workflowtest.Parse(t, render(t, sample("arm64")))
	if diff := cmp.Diff(map[string]string{"contents": "read", "id-token": "write"}, w.Permissions); diff != "" {
		t.Errorf("permissions: -want +got:\n%s", diff)
	}
	if w.Concurrency.Group != "webstack-dev-deploy-shop" || w.Concurrency.Cancel {
		t.Errorf("concurrency: %+v", w.Concurrency)
	}
	if _, dispatched := w.On["workflow_dispatch"]; !dispatched || len(w.On) != 2 ||
		!reflect.DeepEqual(w.On["push"], map[string]any{"branches": []any{"release/1.x"}}) {
		t.Errorf("it runs on %v", w.On)
	}
	for name, job := range w.Jobs {
		if job.Permissions != nil {
			t.Errorf("job %s has permissions of its own: %v", name, job.Permissions)
		}
		for _, step := range job.Steps {
			if step.Uses != "" && !pinned.MatchString(step.Uses) {
				t.Errorf("%s: %s is not pinned", step.Name, step.Uses)
			}
			if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != "false" {
				t.Errorf("%s: the token stays in the checkout", step.Name)
			}
			if strings.Contains(step.Run, "${{") || strings.Contains(step.Run, "<%") {
				t.Errorf("%s: the script is filled in", step.Name)
			}
			if step.Run != "" && !strings.HasPrefix(step.Run, "set -Eeuo pipefail\n") {
				t.Errorf("%s: a failure may go unnoticed", step.Name)
			}
		}
	}
}

// Each value is refused that would be more than text in YAML, in an expression or in a shell.
func TestTextRefusesWhatIsNoText(t *testing.T) {
	t.Parallel()
	for i := range reflect.TypeFor[App]().NumField() {
		field := reflect.TypeFor[App]().Field(i)
		if field.Type.Kind() != reflect.String {
			continue
		}
		for _, bad := range []string{
			"", "a'b", `a"b`, "a\nb", "a\nrun: id", "${{ github.token }}", "$(id)", "`id`", "a b", "a #b", "-a", "!a", "*",
			"a{b", "a|b", "a;b", `a\b`, "a\x00", "é",
		} {
			a := sample("arm64")
			reflect.ValueOf(&a).Elem().Field(i).SetString(bad)
			if text, err := a.Text(); err == nil {
				t.Errorf("%s: %q is accepted:\n%s", field.Name, bad, text)
			}
		}
	}
}
