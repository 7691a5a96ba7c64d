package workflow

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
	"webstack/internal/scripttest"
	"webstack/internal/tooltest"
	"webstack/internal/workflowtest"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// github is a made-up run of the workflow, with programs of testdata/bin in the place of the real ones.
type github struct {
	*testing.T
	fake   string
	env    map[string]string
	inputs map[string]string
}

func newGithub(t *testing.T) *github {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		tooltest.Missing(t, "jq is not installed")
	}
	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		t.Fatal(err)
	}
	g := &github{T: t, fake: t.TempDir(), inputs: map[string]string{}}
	g.env = map[string]string{
		"PATH": bin + ":" + os.Getenv("PATH"), "FAKE": g.fake, "GITHUB_REF": "refs/heads/release/1.x", "GITHUB_SHA": commit,
		"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "77",
	}
	g.write("states", "Success\n")
	g.write("printed", "shop: deployed\n")
	g.write("errors", "")
	g.write("chunk", "20000")
	return g
}

func (g *github) write(name, text string) {
	g.Helper()
	if err := os.WriteFile(filepath.Join(g.fake, name), []byte(text), 0o600); err != nil {
		g.Fatal(err)
	}
}

// read returns what a program has noted, "" if nothing.
func (g *github) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(g.fake, name))
	return string(text)
}

func (g *github) run() workflowtest.Result {
	g.Helper()
	w := workflowtest.Parse(g.T, render(g.T, sample("arm64")))
	return w.Run(g.T, "deploy", workflowtest.Runner{Dir: g.fake, Env: g.env, Inputs: g.inputs})
}

// sent returns the parameters of the n-th command.
func (g *github) sent(n int) map[string]any {
	g.Helper()
	lines := strings.Split(strings.TrimSpace(g.read("sent")), "\n")
	if n >= len(lines) {
		g.Fatalf("only %d commands were sent", len(lines))
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[n]), &got); err != nil {
		g.Fatalf("read the command %q: %v", lines[n], err)
	}
	return got
}

func TestWorkflowBuildsAndDeploys(t *testing.T) {
	t.Parallel()
	g := newGithub(t)
	g.write("images.problem", "ImageNotFoundException")
	got := g.run()
	if got.Failed() {
		t.Fatalf("%v\n%s", got.Outcomes, got.Log)
	}
	const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
	image := registry + "/webstack-dev/shop:" + commit
	if diff := cmp.Diff("build --platform linux/arm64 --tag "+image+" .\nlogin --username AWS --password-stdin "+registry+
		"\npassword\npush "+image+"\n", g.read("docker")); diff != "" {
		t.Errorf("docker: -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{
		"document": "webstack-dev-deploy-shop", "to": "instance of /webstack/dev/instance",
		"action": []any{"deploy"}, "release": []any{commit}, "commit": []any{commit},
		"caller": []any{"arn:aws:sts::123456789012:assumed-role/webstack-dev-deploy-shop/github-1-1"},
		"run":    []any{"https://github.com/acme/shop/actions/runs/77"},
	}, g.sent(0)); diff != "" {
		t.Errorf("command: -want +got:\n%s", diff)
	}
	if want := "| [shop](https://shop.example.com) | `" + commit + "` | deployed |\n"; !strings.HasSuffix(got.Summary, want) {
		t.Errorf("summary:\n%s", got.Summary)
	}
}

func TestWorkflowUsesAnImageThatExists(t *testing.T) {
	t.Parallel()
	for name, release := range map[string]string{
		"second run": "", "tag": "v42", "digest": "sha256:" + strings.Repeat("a", 64), "pinned": "v42@sha256:" + strings.Repeat("a", 64),
		"commit": strings.Repeat("b", 40),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGithub(t)
			want := map[string]any{"release": []any{release}}
			switch g.inputs["release"] = release; name {
			case "second run":
				want = map[string]any{"release": []any{commit}, "commit": []any{commit}}
			case "commit":
				want["commit"] = want["release"]
			}
			if release != "" { // it is not looked up
				g.write("images.problem", "ImageNotFoundException")
			}
			got := g.run()
			if got.Failed() || g.read("docker") != "" || got.Outcomes["Check out the commit"] != workflowtest.Skipped ||
				got.Outcomes["Renew the credentials"] != workflowtest.Skipped {
				t.Errorf("%v, docker did %q\n%s", got.Outcomes, g.read("docker"), got.Log)
			}
			sent := g.sent(0)
			maps.DeleteFunc(sent, func(key string, _ any) bool { return key != "release" && key != "commit" })
			if diff := cmp.Diff(want, sent); diff != "" {
				t.Errorf("command: -want +got:\n%s", diff)
			}
		})
	}
}

// Each is stopped before anything is sent.
func TestWorkflowRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*github)
		want   string
	}{
		"another branch":   {func(g *github) { g.env["GITHUB_REF"] = "refs/heads/main" }, "only the branch release/1.x may deploy shop"},
		"a tag":            {func(g *github) { g.env["GITHUB_REF"] = "refs/tags/release/1.x" }, "only the branch"},
		"two releases":     {func(g *github) { g.inputs["release"] = "v1\nrelease=v2" }, "is not TAG"},
		"a substitution":   {func(g *github) { g.inputs["release"] = "$(touch $FAKE/sent)" }, "is not TAG"},
		"a quote":          {func(g *github) { g.inputs["release"] = `v1","action":["rollback` }, "is not TAG"},
		"a path":           {func(g *github) { g.inputs["release"] = "../blog:v1" }, "is not TAG"},
		"no repository":    {func(g *github) { g.write("images.problem", "RepositoryNotFoundException") }, "create it with pulumi up"},
		"no right to look": {func(g *github) { g.write("images.problem", "AccessDeniedException") }, "(AccessDeniedException)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGithub(t)
			test.change(g)
			got := g.run()
			if !got.Failed() || !strings.Contains(got.Log, test.want) || g.read("sent") != "" || g.read("docker") != "" {
				t.Errorf("%v, sent %q\n%s", got.Outcomes, g.read("sent"), got.Log)
			}
			if !strings.Contains(got.Summary, "**not deployed**") {
				t.Errorf("summary:\n%s", got.Summary)
			}
		})
	}
}

// The output is shown while the deploy runs, each byte once.
func TestWorkflowShowsTheOutput(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789\n", 5000)
	running := "unknown\nPending\n" + strings.Repeat("InProgress\n", 3) + "Success\n"
	for name, test := range map[string]struct{ states, printed, chunk string }{
		"at the end":                     {"Success\n", "one\ntwo\n", "20000"},
		"in parts":                       {running, "one\ntwo\nthree\nfour\n", "4"},
		"more than Run Command keeps":    {running, long, "20000"},
		"all of that only afterwards":    {"Success\n", long, "20000"},
		"nothing":                        {running, "", "20000"},
		"what looks like a command":      {running, "::error::no\n::add-mask::shop\n", "20000"},
		"as much as Run Command keeps":   {"Success\n", long[:contract.MaxOutput], "20000"},
		"characters of more than a byte": {running, strings.Repeat("ö\n", 7), "3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGithub(t)
			g.write("states", test.states)
			g.write("printed", test.printed)
			g.write("chunk", test.chunk)
			got := g.run()
			_, shown, stopped := strings.Cut(got.Log, "::stop-commands::")
			token, shown, _ := strings.Cut(shown, "\n")
			shown, rest, started := strings.Cut(shown, "\n::"+token+"::\n")
			if got.Failed() || !stopped || !started || shown != test.printed || rest != "" {
				t.Errorf("%v, shown are %d bytes of %d, then %q\n%.2000s", got.Outcomes, len(shown), len(test.printed), rest, got.Log)
			}
		})
	}
}

func TestWorkflowWatchesWhatItHasNotShown(t *testing.T) {
	t.Parallel()
	g := newGithub(t)
	g.write("states", "InProgress\nInProgress\nSuccess\n")
	g.write("printed", "one\ntwo\nthree\n")
	g.write("chunk", "4")
	g.run()
	for n, from := range []string{"0", "4"} {
		want := map[string]any{
			"document": "webstack-dev-deploy-shop", "to": "instance of /webstack/dev/instance",
			"action": []any{"watch"}, "command": []any{"from-nowhere"}, "from": []any{from},
		}
		if diff := cmp.Diff(want, g.sent(n+1)); diff != "" {
			t.Errorf("command %d: -want +got:\n%s", n, diff)
		}
	}
}

func TestWorkflowFailsWithTheDeploy(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"Failed", "TimedOut", "Cancelled"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			g := newGithub(t)
			g.write("states", "InProgress\n"+status+"\n")
			g.write("printed", "shop: failed: <b>never</b> healthy\n</pre>\n")
			got := g.run()
			if got.Outcomes["Deploy"] != workflowtest.Failure || !strings.HasSuffix(got.Log, "::error::the deploy ended as "+status+"\n") {
				t.Errorf("%v\n%s", got.Outcomes, got.Log)
			}
			if !strings.HasSuffix(got.Summary, "| **failed** |\n\n<pre>\nshop: failed: &lt;b&gt;never&lt;/b&gt; healthy\n&lt;/pre&gt;\n</pre>\n") {
				t.Errorf("summary:\n%s", got.Summary)
			}
		})
	}
}

func TestWorkflowShowsErrorsIfThereIsNothingElse(t *testing.T) {
	t.Parallel()
	g := newGithub(t)
	g.write("states", "Failed\n")
	g.write("printed", "")
	g.write("errors", "open stack directory: no such file\n")
	if got := g.run(); !got.Failed() || !strings.Contains(got.Log, "open stack directory") ||
		!strings.Contains(got.Summary, "open stack directory") {
		t.Errorf("%v\n%s\n%s", got.Outcomes, got.Log, got.Summary)
	}
}

func TestWorkflowToleratesThatItCannotWatch(t *testing.T) {
	t.Parallel()
	g := newGithub(t)
	g.write("states", "InProgress\nInProgress\nSuccess\n")
	g.write("watch.problem", "")
	if got := g.run(); got.Failed() || strings.Count(got.Log, "shop: deployed\n") != 1 {
		t.Errorf("%v\n%s", got.Outcomes, got.Log)
	}
}

func TestFakeProgramsAreSound(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"aws", "docker"} {
		text, err := os.ReadFile(filepath.Join("testdata/bin", name))
		if err != nil {
			t.Fatal(err)
		}
		scripttest.Check(t, string(text))
	}
}
