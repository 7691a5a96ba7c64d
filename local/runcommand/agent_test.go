package runcommand_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/local/runcommand"
)

// agentCase is a document with the answer of amazon-ssm-agent 3.3.0 on a Debian 13 host. The ids of the instance and
// the command are placeholders in the answer.
type agentCase struct {
	Document   json.RawMessage     `json:"document"`
	Parameters map[string][]string `json:"parameters"`
	Agent      answered            `json:"agent"`
}

// answered is how a document ended.
type answered struct {
	Status string `json:"status"`
	// Trace says why the agent refused the document as a whole.
	Trace string         `json:"trace"`
	Steps []answeredStep `json:"steps"`
}

type answeredStep struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Code   int    `json:"code"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	Output string `json:"output"`
}

// differing are the cases in which the laptop cloud answers differently, and the reasons.
var differing = map[string]string{
	"env":            "most of the environment is the system's; TestTheScriptsEnvironment compares what the agent adds",
	"f-dupnames":     "CreateDocument refuses two steps of one name, so no agent gets them",
	"p-ps-nopre":     "the laptop cloud runs no PowerShell, and says so",
	"q-envvar":       "this agent is older than ENV_VAR, which the laptop cloud supports as later agents do",
	"s-otheraction":  "this agent crashed; the laptop cloud says that it lacks aws:configurePackage",
	"s-refreshassoc": "the laptop cloud lacks aws:refreshAssociation, and says so",
	"s-vnum":         "a document with a number as its version is refused before it gets to an agent, in other words",
}

func agentCases(t *testing.T) map[string]agentCase {
	t.Helper()
	text, err := os.ReadFile("testdata/agent.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]agentCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 112 {
		t.Fatalf("%d cases", len(cases))
	}
	if sh, err := filepath.EvalSymlinks("/bin/sh"); err != nil || filepath.Base(sh) != "dash" || runtime.GOOS != "linux" {
		t.Skip("the cases are of a system whose sh is dash: ", sh, err)
	}
	return cases
}

// prepared returns what runs the case's document, and puts the placeholders into the answer.
func (c agentCase) prepared(t *testing.T) func() answered {
	t.Helper()
	r := newRig(t)
	root := r.machines.Root(instance)
	if err := os.MkdirAll(filepath.Join(root, "tmp/dl"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "etc/passwd"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return func() answered { return c.run(t.Context(), r, root) }
}

func (c agentCase) run(ctx context.Context, r *rig, root string) answered {
	document, err := runcommand.Parse(strings.NewReplacer(
		// Here nobody may reap ended processes, so zombies count as dead.
		"kill -0 $(cat /tmp/t-children.pid)", "grep -q . /proc/$(cat "+root+"/tmp/t-children.pid)/cmdline",
		"/tmp/", root+"/tmp/",
	).Replace(string(c.Document)))
	if err != nil {
		return answered{Status: "Failed", Trace: err.Error(), Steps: []answeredStep{}}
	}
	const command = "01234567-89ab-cdef-0123-456789abcdef"
	results, err := runcommand.Run{
		ID: command, InstanceID: instance, Region: "us-east-1", PlatformName: "Debian GNU/Linux", PlatformVersion: "13",
		Document: document, Parameters: c.Parameters,
		Stored: func(_ context.Context, name string) (string, error) { return "stored:" + name + ":{{ text }}", nil },
		Report: func(int, runcommand.Result) {},
	}.Execute(ctx, r.machines)
	if err != nil {
		return answered{Status: "Failed", Trace: err.Error(), Steps: []answeredStep{}}
	}
	placeholders := strings.NewReplacer(root, "", instance, "<instance>", command, "<uuid>")
	out := answered{Status: string(runcommand.Overall(results))}
	for _, one := range results {
		out.Steps = append(out.Steps, answeredStep{
			one.Name, string(one.Status), one.Code, placeholders.Replace(one.Stdout), placeholders.Replace(one.Stderr),
			placeholders.Replace(one.Output),
		})
	}
	return out
}

// The documents run here as the real agent ran them.
func TestAsTheAgent(t *testing.T) {
	t.Parallel()
	cases := agentCases(t)
	for name := range differing {
		if _, ok := cases[name]; !ok {
			t.Errorf("%s: no such case", name)
		}
	}
	answers := map[string]chan answered{}
	for name, c := range cases { // all at once: some do nothing but sleep
		run, answer := c.prepared(t), make(chan answered, 1)
		answers[name] = answer
		go func() { answer <- run() }()
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			diff := cmp.Diff(c.Agent, <-answers[name])
			reason, differs := differing[name]
			switch {
			case !differs && diff != "":
				t.Errorf("-agent +laptop cloud:\n%s", diff)
			case differs && diff == "":
				t.Errorf("it agrees with the agent; remove it from the list: %s", reason)
			}
		})
	}
}

// What the agent gives to scripts is the same here: variables, folders, modes, and what they read.
func TestTheScriptsEnvironment(t *testing.T) {
	t.Parallel()
	c := agentCases(t)["env"]
	own := regexp.MustCompile(`^(AWS_SSM_|SSM_|PWD=|cwd=|umask|0\d{3}$|self=|/dev/null|/bin/sh |sh -c |[-d]rwx)`)
	facts := func(text string) (out []string) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); own.MatchString(line) {
				mode, _, listed := strings.Cut(line, " ")
				if listed && strings.Contains(mode, "rwx") {
					line = mode // the size and the time are no concern of the agent's
				}
				out = append(out, line)
			}
		}
		slices.Sort(out)
		return out
	}
	got := c.prepared(t)()
	if diff := cmp.Diff(facts(c.Agent.Steps[0].Stdout), facts(got.Steps[0].Stdout)); diff != "" {
		t.Errorf("-agent +laptop cloud:\n%s", diff)
	}
	if len(facts(got.Steps[0].Stdout)) < 10 {
		t.Error(fmt.Sprint("too little to compare: ", facts(got.Steps[0].Stdout)))
	}
}
