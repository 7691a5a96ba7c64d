package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/config"
	"webstack/internal/command"
	"webstack/internal/workflowtest"
)

// account makes AWS an account in which only the account's number can be read.
func account(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "GetCallerIdentity" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ann</Arn>" +
			"<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"))
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "ann", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
}

// withRepository is the sample with a GitHub repository for the app shop of the stack dev.
func withRepository(t *testing.T) string {
	t.Helper()
	dir := sample(t)
	text := strings.Replace(read(t, dir, "dev"), "# githubRepo: your-name/shop #", "githubRepo: acme/shop\n      githubBranch: live #", 1)
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAppsWorkflow(t *testing.T) {
	account(t)
	dir := withRepository(t)
	status, out, problems := call(t, dir, "apps", "workflow", "shop", "-s", "dev")
	if status != command.ExitOK || problems != "" {
		t.Fatalf("status %d, printed %q and %q", status, out, problems)
	}
	workflowtest.Lint(t, []byte(out))
	w := workflowtest.Parse(t, []byte(out))
	for name, want := range map[string]string{
		"APP": "shop", "URL": "https://shop.example.com", "BRANCH": "live", "PLATFORM": "linux/arm64",
		"REGISTRY": "123456789012.dkr.ecr.us-east-1.amazonaws.com", "REPOSITORY": "webstack-dev/shop",
		"DOCUMENT": "webstack-dev-deploy-shop", "INSTANCE_PARAMETER": "/webstack/dev/instance",
	} {
		if w.Env[name] != want {
			t.Errorf("%s is %q, want %q", name, w.Env[name], want)
		}
	}
	roles := 0
	for _, step := range w.Jobs["deploy"].Steps {
		if role, ok := step.With["role-to-assume"]; ok {
			roles++
			if role != "arn:aws:iam::123456789012:role/webstack-dev-deploy-shop" || step.With["aws-region"] != "us-east-1" {
				t.Errorf("%s: assumes %s in %s", step.Name, role, step.With["aws-region"])
			}
		}
	}
	if roles == 0 {
		t.Error("it assumes no role")
	}
	_, text, _ := call(t, dir, "apps", "workflow", "shop", "-s", "dev", "--json")
	var got workflowJSON
	if err := json.Unmarshal([]byte(text), &got); err != nil || got != (workflowJSON{"dev", "shop", out}) {
		t.Errorf("for scripts it is another: %v\n%s", err, text)
	}
}

func TestAppsWorkflowNeedsARepository(t *testing.T) {
	account(t)
	dir := withRepository(t)
	for app, want := range map[string]string{
		"blog": "it has no githubRepo in the stack file", "wiki": "stack dev has blog, shop",
	} {
		status, out, problems := call(t, dir, "apps", "workflow", app, "-s", "dev")
		if status != command.ExitFailed || out != "" || !strings.Contains(problems, want) {
			t.Errorf("%s: status %d, printed %q and %q", app, status, out, problems)
		}
	}
}

// The host always gets to say why a deploy failed.
func TestWorkflowsOutlastDeploys(t *testing.T) {
	t.Parallel()
	for want, app := range map[int]config.App{
		22: {StartTimeoutSeconds: 90, DrainTimeoutSeconds: 30, StopGraceSeconds: 0},
		23: {StartTimeoutSeconds: 90, DrainTimeoutSeconds: 30, StopGraceSeconds: 1},
		32: {StartTimeoutSeconds: 90, DrainTimeoutSeconds: 30, ReleaseCommand: []string{"migrate"}, ReleaseTimeoutSeconds: 600},
	} {
		if got := deployMinutes(app); got != want {
			t.Errorf("%+v: %d minutes, want %d", app, got, want)
		}
	}
}
