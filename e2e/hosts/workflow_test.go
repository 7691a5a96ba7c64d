package hosts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"webstack/contract"
	"webstack/e2e/lab"
	"webstack/internal/gobuild"
	"webstack/internal/operate"
	"webstack/internal/tooltest"
	"webstack/internal/workflowtest"
)

// github runs the workflow of the app shop, in the place of GitHub.
type github struct {
	c        *lab.Clone
	workflow workflowtest.Workflow
	keys     *ststypes.Credentials
	source   string // the checkout
	docker   string // the Docker command's folder
	registry string // "127.0.0.1:port"
}

func newGithub(t *testing.T, c *lab.Clone) *github {
	t.Helper()
	for _, tool := range []string{"aws", "docker", "jq"} {
		if !installed(tool) {
			tooltest.Missing(t, "%s is not installed", tool)
		}
	}
	endpoint, err := url.Parse(c.Env()["AWS_ENDPOINT_URL"])
	if err != nil {
		t.Fatal(err)
	}
	text := must(c.WebstackStdout("apps", "workflow", "shop", "-s", lab.Stack))(t)
	g := &github{
		c: c, workflow: workflowtest.Parse(t, []byte(text)), source: t.TempDir(), docker: t.TempDir(), registry: endpoint.Host,
	}
	for _, step := range g.workflow.Jobs["deploy"].Steps {
		if role := step.With["role-to-assume"]; role != "" {
			g.keys = assume(t, c, role)
		}
	}
	if g.keys == nil {
		t.Fatalf("the workflow assumes no role:\n%s", text)
	}
	return g
}

// assume assumes a deploy role as the workflow of a push to the branch main does, with a token of GitHub.
func assume(t *testing.T, c *lab.Clone, role string) *ststypes.Credentials {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{
		"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com",
		"sub": "repo:example/shop:ref:refs/heads/main", "exp": time.Now().Add(time.Hour).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	token := encode([]byte(`{"alg":"HS256"}`)) + "." + encode(claims)
	sum := hmac.New(sha256.New, []byte(c.Env()["AWS_SECRET_ACCESS_KEY"]))
	sum.Write([]byte(token))
	config := c.AWS()
	config.Credentials = aws.AnonymousCredentials{}
	out := must(sts.NewFromConfig(config).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(role), RoleSessionName: aws.String("github-77-1"),
		WebIdentityToken: aws.String(token + "." + encode(sum.Sum(nil))),
	}))(t)
	return out.Credentials
}

// commit writes a version of the app to the checkout, and returns its commit.
func (g *github) commit(t *testing.T) string {
	t.Helper()
	id := make([]byte, 20)
	_, _ = rand.Read(id) // never fails
	commit, arch := hex.EncodeToString(id), strings.TrimPrefix(g.workflow.Env["PLATFORM"], "linux/")
	program := must(gobuild.Program(t.Context(), lab.ProjectRoot(t), "examples/hello", ".", arch))(t)
	content := must(os.ReadFile(program))(t)
	recipe := "FROM scratch\nCOPY hello /hello\nENV VERSION=" + commit + "\nUSER 65532:65532\nENTRYPOINT [\"/hello\"]\n"
	for name, text := range map[string][]byte{"hello": content, "Dockerfile": []byte(recipe)} {
		if err := os.WriteFile(filepath.Join(g.source, name), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	image := g.registry + "/" + g.workflow.Env["REPOSITORY"] + ":" + commit
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "--force", image).Run() })
	return commit
}

// run runs the workflow for a commit; release is the input of a run by hand, "" for a push.
func (g *github) run(t *testing.T, commit, release string) workflowtest.Result {
	t.Helper()
	env := g.c.Env()
	return g.workflow.Run(t, "deploy", workflowtest.Runner{
		Dir: g.source, Inputs: map[string]string{"release": release},
		Env: map[string]string{
			"AWS_ENDPOINT_URL": env["AWS_ENDPOINT_URL"], "AWS_DEFAULT_REGION": env["AWS_REGION"],
			"AWS_ACCESS_KEY_ID": *g.keys.AccessKeyId, "AWS_SECRET_ACCESS_KEY": *g.keys.SecretAccessKey,
			"AWS_SESSION_TOKEN": *g.keys.SessionToken,
			"AWS_CONFIG_FILE":   os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
			// The registry's name on AWS leads nowhere on this computer.
			"REGISTRY": g.registry, "DOCKER_CONFIG": g.docker,
			"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": commit, "GITHUB_RUN_ID": "77",
			"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "example/shop",
		},
	})
}

// workflowDeploys runs the shell of the app's workflow with the credentials that GitHub would get.
func workflowDeploys(t *testing.T, c *lab.Clone) {
	s, g := newSite(t, c), newGithub(t, c)
	before := aws.ToString(must(ssm.NewFromConfig(c.AWS()).GetParameter(t.Context(), &ssm.GetParameterInput{
		Name: aws.String(contract.AppReleaseParam(base, "shop")),
	}))(t).Parameter.Value)
	first := strings.TrimSpace(s.get("https://" + shop + "/version").body)
	commit := g.commit(t)

	stop := s.watch(shop)
	begun := time.Now()
	got := g.run(t, commit, "")
	t.Logf("push to live: %v", time.Since(begun).Round(100*time.Millisecond))
	if requests, failures := stop(); len(failures) > 0 || requests == 0 {
		t.Errorf("%d of %d requests failed, the first: %v", len(failures), requests, failures)
	}
	if got.Failed() || got.Outcomes["Build and push the image"] != workflowtest.Success ||
		strings.Count(got.Log, "shop: deployed "+commit) != 1 || !strings.Contains(got.Summary, "| deployed |") {
		t.Fatalf("%v\n%s\n%s", got.Outcomes, got.Log, got.Summary)
	}
	g.serves(t, s, commit)
	g.recorded(t, commit)

	got = g.run(t, commit, "")
	if got.Failed() || got.Outcomes["Build and push the image"] != workflowtest.Skipped {
		t.Errorf("run again: %v\n%s", got.Outcomes, got.Log)
	}
	got = g.run(t, commit, "never-pushed")
	if got.Outcomes["Deploy"] != workflowtest.Failure || !strings.Contains(got.Log, commit[:12]) ||
		!strings.Contains(got.Summary, "<pre>\n") || !strings.Contains(got.Summary, "never-pushed") {
		t.Errorf("a release that does not exist: %v\n%s\n%s", got.Outcomes, got.Log, got.Summary)
	}
	g.serves(t, s, commit)
	if got = g.run(t, commit, before); got.Failed() {
		t.Errorf("an earlier release: %v\n%s", got.Outcomes, got.Log)
	}
	g.serves(t, s, first)
}

// serves expects the app to answer as a version.
func (g *github) serves(t *testing.T, s *site, version string) {
	t.Helper()
	if got := strings.TrimSpace(s.get("https://" + shop + "/version").body); got != version {
		t.Errorf("the app answers as version %q, want %q", got, version)
	}
}

// recorded expects the newest deploy to be of a commit, by the workflow.
func (g *github) recorded(t *testing.T, commit string) {
	t.Helper()
	var list struct{ Deploys []operate.Release }
	out := must(g.c.WebstackStdout("releases", "shop", "-s", lab.Stack, "--json"))(t)
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Deploys) == 0 {
		t.Fatalf("read the deploys: %v\n%s", err, out)
	}
	d := list.Deploys[0]
	if !d.Live || d.Commit != commit || d.Run != "https://github.com/example/shop/actions/runs/77" ||
		!strings.HasSuffix(d.By, ":assumed-role/webstack-local-deploy-shop/github-77-1") ||
		!strings.HasPrefix(d.Release, commit+"@sha256:") {
		t.Errorf("recorded is %+v", d)
	}
}
