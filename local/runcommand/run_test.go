package runcommand_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webstack/local/machine"
	"webstack/local/runcommand"
	"webstack/local/runcommand/machinetest"
)

const instance = "i-0123456789abcdef0"

// rig is a machine to run documents on.
type rig struct {
	machines *machinetest.Machines
	objects  map[string]string
	mu       sync.Mutex
	reports  []runcommand.Result
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{machines: machinetest.New(t.TempDir()), objects: map[string]string{}}
	if err := r.machines.Boot(t.Context(), machine.Spec{InstanceID: instance}); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs a document, which is JSON or YAML.
func (r *rig) run(ctx context.Context, t *testing.T, content string, parameters map[string][]string) []runcommand.Result {
	t.Helper()
	results, err := r.try(ctx, t, content, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// try runs a document that the agent may refuse.
func (r *rig) try(
	ctx context.Context, t *testing.T, content string, parameters map[string][]string,
) ([]runcommand.Result, error) {
	t.Helper()
	document, err := runcommand.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	return runcommand.Run{
		ID: "command-1", InstanceID: instance, Region: "eu-central-1", PlatformName: "Ubuntu", PlatformVersion: "24.04",
		Document: document, Parameters: parameters,
		Stored: func(_ context.Context, name string) (string, error) {
			if name == "/none" {
				return "", errors.New("there is none")
			}
			return "stored:" + name + ":{{ text }}", nil
		},
		Fetch: func(_ context.Context, bucket, key string) ([]byte, error) {
			content, ok := r.objects[bucket+"/"+key]
			if !ok {
				return nil, errors.New("S3 answers 404")
			}
			return []byte(content), nil
		},
		Report: func(_ int, result runcommand.Result) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.reports = append(r.reports, result)
		},
	}.Execute(ctx, r.machines)
}

// step is a step as a document has it.
type step map[string]any

// script returns a step that runs lines, with more inputs.
func script(name, lines string, inputs ...any) step {
	all := map[string]any{"runCommand": strings.Split(lines, "\n")}
	for i := 0; i < len(inputs); i += 2 {
		all[inputs[i].(string)] = inputs[i+1]
	}
	return step{"action": "aws:runShellScript", "name": name, "inputs": all}
}

func (s step) when(operator string, operands ...string) step {
	s["precondition"] = map[string][]string{operator: operands}
	return s
}

// document returns a document of schema 2.2 as JSON.
func document(t *testing.T, parameters map[string]any, steps ...step) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"schemaVersion": "2.2", "parameters": parameters, "mainSteps": steps})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// outcome returns a step's result in short: its status, its exit code, and what it printed.
func outcome(results []runcommand.Result) []string {
	var out []string
	for _, r := range results {
		said := r.Stdout
		if r.Status == runcommand.Skipped {
			said = r.Output
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", r.Name, r.Status, r.Code, strings.TrimSpace(said))))
	}
	return out
}

// Each case says something about documents, parameters or scripts, and tests it.
func TestStatements(t *testing.T) {
	t.Parallel()
	text := map[string]any{"type": "String"}
	list := map[string]any{"type": "StringList"}
	variable := map[string]any{"type": "String", "interpolationType": "ENV_VAR"}
	variableList := map[string]any{"type": "StringList", "interpolationType": "ENV_VAR"}
	type values = map[string][]string
	for name, tt := range map[string]struct {
		parameters map[string]any
		given      values
		steps      []step
		want       []string
		stderr     string // what the last step says of errors, in part
		overall    runcommand.Status
	}{
		"values are pasted as they are, so a shell takes them for more than text": {
			parameters: map[string]any{"text": text}, given: values{"text": {"a; echo b"}},
			steps: []step{script("s", "echo {{ text }}")}, want: []string{"s Success 0 a\nb"},
		},
		"spaces between the braces do not matter": {
			parameters: map[string]any{"text": text}, given: values{"text": {"a"}},
			steps: []step{script("s", "echo {{text}} {{  text }}")}, want: []string{"s Success 0 a a"},
		},
		"values are not interpolated again": {
			parameters: map[string]any{"text": text, "other": text},
			given:      values{"text": {"'{{ other }}'"}, "other": {"'{{ text }}'"}},
			steps:      []step{script("s", "echo {{ text }} {{ other }}")},
			want:       []string{"s Success 0 {{ other }} {{ text }}"},
		},
		"two dollars in a value become one": {
			parameters: map[string]any{"text": text}, given: values{"text": {"'$$2y$$x'"}},
			steps: []step{script("s", "echo {{ text }}")}, want: []string{"s Success 0 $2y$x"},
		},
		"two dollars outside of values stay": {
			steps: []step{script("s", "echo '$$'")}, want: []string{"s Success 0 $$"},
		},
		"a list in a longer text is JSON": {
			parameters: map[string]any{"list": list}, given: values{"list": {"a", "b<"}},
			steps: []step{script("s", "echo '{{ list }}'")}, want: []string{`s Success 0 ["a","b\u003c"]`},
		},
		"a list that is a whole text is a list": {
			parameters: map[string]any{"list": list}, given: values{"list": {"echo a", "echo b"}},
			steps: []step{{"action": "aws:runShellScript", "name": "s", "inputs": map[string]any{"runCommand": "{{ list }}"}}},
			want:  []string{"s Success 0 a\nb"},
		},
		"names that are not declared are left alone": {
			steps: []step{script("s", "echo '{{.Names}} {{ none }} {{ json .X }}'")},
			want:  []string{"s Success 0 {{.Names}} {{ none }} {{ json .X }}"},
		},
		"defaults stand in for what is not given": {
			parameters: map[string]any{"text": map[string]any{"type": "String", "default": "d$$"}},
			steps:      []step{script("s", "echo '{{ text }}'")}, want: []string{"s Success 0 d$"},
		},
		"an empty default is one": {
			parameters: map[string]any{"text": map[string]any{"type": "String", "default": ""}},
			steps:      []step{script("s", "echo '[{{ text }}]'")}, want: []string{"s Success 0 []"},
		},
		"a parameter whose name has other than letters and digits is null": {
			parameters: map[string]any{"a_b": text}, given: values{"a_b": {"x"}},
			steps: []step{script("s", "echo '{{ a_b }}'")}, want: []string{"s Success 0 null"},
		},
		"ENV_VAR puts the value in the environment, where a shell takes it for text": {
			parameters: map[string]any{"tag": variable}, given: values{"tag": {"a; echo b"}},
			steps: []step{script("s", `echo "$SSM_tag"`)}, want: []string{"s Success 0 a; echo b"},
		},
		"AWS's form for agents that do not know ENV_VAR works with those that do": {
			parameters: map[string]any{"tag": variable}, given: values{"tag": {"a"}},
			steps: []step{script("s", `if [ -z "${SSM_tag+x}" ]; then export SSM_tag="{{ tag }}"; fi; echo "$SSM_tag"`)},
			want:  []string{"s Success 0 a"},
		},
		"ENV_VAR mentions in quotes are the value": {
			parameters: map[string]any{"tag": variable}, given: values{"tag": {`a "; echo $HOME`}},
			steps: []step{script("s", `echo "{{ tag }}|$SSM_tag"`)}, want: []string{`s Success 0 a "; echo $HOME|a "; echo $HOME`},
		},
		"ENV_VAR of a list is JSON": {
			parameters: map[string]any{"tags": variableList}, given: values{"tags": {"a", "b"}},
			steps: []step{script("s", `echo "$SSM_tags"`)}, want: []string{`s Success 0 ["a","b"]`},
		},
		"without ENV_VAR there is no variable": {
			parameters: map[string]any{"tag": text}, given: values{"tag": {"a"}},
			steps: []step{script("s", `echo "${SSM_tag-none}"`)}, want: []string{"s Success 0 none"},
		},
		"parameters of Parameter Store are got at the time of the run": {
			steps: []step{script("s", "echo '{{ ssm:/a/b }}'")}, want: []string{"s Success 0 stored:/a/b:{{ text }}"},
		},
		"values may name a parameter of Parameter Store": {
			parameters: map[string]any{"text": text, "tag": variable}, given: values{"text": {"{{ssm:/a}}"}, "tag": {"{{ssm:/b}}"}},
			steps: []step{script("s", `echo '{{ text }}' "$SSM_tag"`)},
			want:  []string{"s Success 0 stored:/a:{{ text }} stored:/b:{{ text }}"},
		},
		"a missing parameter of Parameter Store fails the step": {
			steps: []step{script("s", "echo '{{ ssm:/none }}'")}, want: []string{"s Failed 1"}, stderr: "/none",
			overall: runcommand.Failed,
		},
		"the agent checks a value once more, and without anchors": {
			parameters: map[string]any{"text": map[string]any{"type": "String", "allowedPattern": "[a-z]"}},
			given:      values{"text": {"A b C"}},
			steps:      []step{script("s", "echo {{ text }}")}, want: []string{"s Success 0 A b C"},
		},

		"lines are joined, and their exit code is that of the last": {
			steps: []step{script("s", "false\necho on\ntrue")}, want: []string{"s Success 0 on"},
		},
		"without a shebang sh runs them": {
			steps: []step{script("s", `echo "${BASH_VERSION-none}"`)}, want: []string{"s Success 0 none"},
		},
		"a shebang is honoured": {
			steps: []step{script("s", "#!/bin/bash\nset -o pipefail\necho ${BASH_VERSION:+bash}")},
			want:  []string{"s Success 0 bash"},
		},
		"an exit code other than 0 fails, and is said": {
			steps: []step{script("s", "echo out\necho err >&2\nexit 3")}, want: []string{"s Failed 3 out"},
			stderr: "err\nfailed to run commands: exit status 3", overall: runcommand.Failed,
		},
		"scripts know their command, machine and region": {
			steps: []step{script("s", `echo $SSM_COMMAND_ID $AWS_SSM_INSTANCE_ID $AWS_SSM_REGION_NAME`)},
			want:  []string{"s Success 0 command-1 " + instance + " eu-central-1"},
		},
		"the working directory is the script's": {
			steps: []step{script("s", `mkdir -p "$ROOT/w"`), script("t", "basename $PWD", "workingDirectory", "/w")},
			want:  []string{"s Success 0", "t Success 0 w"},
		},
		"an invalid working directory fails": {
			steps: []step{script("s", "pwd", "workingDirectory", "/none")}, want: []string{"s Failed 1"},
			stderr: "failed to run commands", overall: runcommand.Failed,
		},

		"a failed step does not stop the next, but the document has failed": {
			steps: []step{script("a", "exit 1"), script("b", "echo b")}, want: []string{"a Failed 1", "b Success 0 b"},
			overall: runcommand.Failed,
		},
		"onFailure exit stops": {
			steps: []step{script("a", "exit 1", "onFailure", "exit"), script("b", "echo b")},
			want: []string{
				"a Failed 1 Step was found to have onFailure property. Further document steps will be skipped.",
				"b Skipped 0 Plugin with name aws:runShellScript and id b skipped due to prior step with an exit condition",
			},
			overall: runcommand.Failed,
		},
		"onFailure successAndExit stops, and that is a success": {
			steps: []step{script("a", "exit 1", "onFailure", "successAndExit"), script("b", "echo b")},
			want: []string{
				"a Success 168 Step was found to have onFailure property. Further document steps will be skipped.",
				"b Skipped 0 Plugin with name aws:runShellScript and id b skipped due to prior step with an exit condition",
			},
		},
		"onFailure of a step that succeeds does nothing": {
			steps: []step{script("a", "true", "onFailure", "exit"), script("b", "echo b")},
			want:  []string{"a Success 0", "b Success 0 b"},
		},
		"onSuccess exit stops": {
			steps: []step{script("a", "true", "onSuccess", "exit"), script("b", "echo b")},
			want: []string{
				"a Success 0",
				"b Skipped 0 Plugin with name aws:runShellScript and id b skipped due to prior step with an exit condition",
			},
		},
		"a finally step at the end runs anyway": {
			steps: []step{
				script("a", "exit 1", "onFailure", "exit"), script("b", "echo b"), script("c", "echo c", "finallyStep", true),
			},
			want: []string{
				"a Failed 1 Step was found to have onFailure property. Further document steps will be skipped.",
				"b Skipped 0 Plugin with name aws:runShellScript and id b skipped due to prior step with an exit condition",
				"c Success 0 c",
			},
			overall: runcommand.Failed,
		},
		"exit code 168 is a success that skips the rest": {
			steps: []step{script("a", "echo a\nexit 168"), script("b", "echo b")},
			want: []string{
				"a Success 168 a\n\nStep exited with code 168. Therefore, marking step as succeeded. " +
					"Further document steps will be skipped.",
				"b Skipped 0 Plugin with name aws:runShellScript and id b skipped due to prior step with an exit condition",
			},
		},
		"exit code 169 is a failure that skips the rest": {
			steps: []step{script("a", "exit 169"), script("b", "echo b")},
			want: []string{
				"a Failed 169 Step exited with code 169. Therefore, marking step as Failed. " +
					"Further document steps will be skipped.",
				"b Skipped 0 Plugin with name aws:runShellScript and id b skipped due to prior step with an exit condition",
			},
			overall: runcommand.Failed,
		},
		"exit code 194 reboots and runs the step again": {
			steps: []step{
				script("a", `if [ -e "$ROOT/rebooted" ]; then echo again; exit 0; fi`+"\n"+`echo once; touch "$ROOT/rebooted"; exit 194`),
				script("b", "echo b"),
			},
			want: []string{"a Success 0 once\nagain", "b Success 0 b"},
		},
		"whatever is killed has timed out, as the agent cannot tell": {
			steps: []step{script("a", "kill -9 $$", "onFailure", "exit"), script("b", "echo b")},
			want:  []string{"a TimedOut 137", "b Success 0 b"}, overall: runcommand.TimedOut,
		},

		"a precondition on this platform holds": {
			steps: []step{script("a", "echo a").when("StringEquals", "platformType", "Linux"),
				script("b", "echo b").when("StringEquals", "linux", "platformType")},
			want: []string{"a Success 0 a", "b Success 0 b"},
		},
		"a precondition on another platform skips": {
			steps: []step{script("a", "echo a").when("StringEquals", "platformType", "Windows")},
			want: []string{"a Skipped 0 Step execution skipped due to unsatisfied preconditions: " +
				`'"StringEquals": [platformType, Windows]'. Step name: a`},
		},
		"a precondition may be about a parameter": {
			parameters: map[string]any{"text": text}, given: values{"text": {"on"}},
			steps: []step{script("a", "echo a").when("StringEquals", "{{ text }}", "on"),
				script("b", "echo b").when("StringEquals", "{{ text }}", "off")},
			want: []string{"a Success 0 a", "b Skipped 0 Step execution skipped due to unsatisfied preconditions: " +
				`'"StringEquals": [{{ text }}, off]'. Step name: b`},
		},
		"other operators fail": {
			steps: []step{script("a", "echo a").when("StringLike", "platformType", "L*")},
			want:  []string{"a Failed 1"}, stderr: "unrecognized operator", overall: runcommand.Failed,
		},
		"a precondition of constants fails": {
			steps: []step{script("a", "echo a").when("StringEquals", "x", "y")},
			want:  []string{"a Failed 1"}, stderr: "must contain a valid document parameter", overall: runcommand.Failed,
		},
		"a step for another platform is skipped, not failed": {
			steps: []step{{"action": "aws:psModule", "name": "a", "inputs": map[string]any{}}},
			want:  []string{"a Skipped 0 Step execution skipped due to unsupported plugin: aws:psModule. Step name: a"},
		},
		"an action that the laptop cloud lacks fails and says so": {
			steps: []step{{"action": "aws:configurePackage", "name": "a", "inputs": map[string]any{}}},
			want:  []string{"a Failed 1"}, stderr: "not support the action aws:configurePackage", overall: runcommand.Failed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := newRig(t).run(t.Context(), t, document(t, tt.parameters, tt.steps...), tt.given)
			if diff := cmp.Diff(tt.want, outcome(results)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			end := results[len(results)-1]
			last := end.Stderr
			if last == "" && end.Status == runcommand.Failed {
				last = end.Output
			}
			if !strings.Contains(last, tt.stderr) || tt.stderr == "" && results[len(results)-1].Status == runcommand.Success &&
				last != "" {
				t.Errorf("errors %q, wanted %q", last, tt.stderr)
			}
			overall := tt.overall
			if overall == "" {
				overall = runcommand.Success
			}
			if got := runcommand.Overall(results); got != overall {
				t.Errorf("overall %s, wanted %s", got, overall)
			}
		})
	}
}

func TestYAML(t *testing.T) {
	t.Parallel()
	results := newRig(t).run(t.Context(), t, `
schemaVersion: "2.2"
parameters:
  word: {type: String, default: hello, allowedValues: [hello, 7]}
mainSteps:
- action: aws:runShellScript
  name: say
  inputs:
    timeoutSeconds: 60
    runCommand:
    - |
      echo "{{ word }}
      world"
`, map[string][]string{"word": {"7"}})
	if diff := cmp.Diff([]string{"say Success 0 7\nworld"}, outcome(results)); diff != "" {
		t.Error(diff)
	}
}

// A script that takes too long is killed with everything it started.
func TestTimeoutKillsTheGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began := time.Now()
	results := r.run(t.Context(), t, document(t, nil,
		script("a", `trap 'echo trapped' TERM EXIT`+"\n"+`sleep 600 & echo $! > "$ROOT/pid"; wait`, "timeoutSeconds", "5")), nil)
	if diff := cmp.Diff([]string{"a TimedOut 137"}, outcome(results)); diff != "" {
		t.Error(diff)
	}
	if time.Since(began) < 5*time.Second {
		t.Error("it was killed too early")
	}
	pid, err := os.ReadFile(filepath.Join(r.machines.Root(instance), "pid"))
	if err != nil {
		t.Fatal(err)
	}
	stat := filepath.Join("/proc", strings.TrimSpace(string(pid)), "cmdline")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if line, err := os.ReadFile(stat); err != nil || !strings.Contains(string(line), "600") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("what the script started is still there")
		}
	}
}

func TestTimeoutsOutOfBoundsAreAnHour(t *testing.T) {
	t.Parallel()
	for given, want := range map[any]time.Duration{
		nil: time.Hour, 4: time.Hour, "4": time.Hour, 172801: time.Hour, "soon": time.Hour, "1e300": time.Hour, -7: time.Hour,
		5: 5 * time.Second, "5": 5 * time.Second, 172800: 48 * time.Hour, "60.9": time.Minute,
	} {
		r := newRig(t)
		r.run(t.Context(), t, document(t, nil, script("a", "true", "timeoutSeconds", given)), nil)
		if got := r.machines.Ran()[0].Timeout; got != want {
			t.Errorf("%v: %s, wanted %s", given, got, want)
		}
	}
}

func TestScriptsStayOnTheMachine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.run(t.Context(), t, document(t, map[string]any{"text": map[string]any{"type": "String"}},
		script("a", "echo\n{{ text }}")), map[string][]string{"text": {"true"}})
	path := filepath.Join(r.machines.Root(instance), "/var/lib/amazon/ssm", instance,
		"document/orchestration/command-1/a/_script.sh")
	content, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	if err != nil || statErr != nil || string(content) != "echo\ntrue\n" || info.Mode().Perm() != 0o700 {
		t.Errorf("%q, %v, %v, %v", content, info, err, statErr)
	}
}

func TestCancelledStepsAreCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	started := filepath.Join(r.machines.Root(instance), "started")
	go func() {
		defer cancel()
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if _, err := os.Stat(started); err == nil {
				return
			}
		}
	}()
	results := r.run(ctx, t, document(t, nil, script("a", `touch "$ROOT/started"; sleep 600`), script("b", "echo b")), nil)
	if diff := cmp.Diff([]string{"a Cancelled 137", "b Cancelled 1"}, outcome(results)); diff != "" {
		t.Error(diff)
	}
	if runcommand.Overall(results) != runcommand.Cancelled {
		t.Error(runcommand.Overall(results))
	}
}

// If a machine goes away during a step, the step runs again once it is back, as with the agent after a reboot.
func TestAStepOutlivesAReboot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	go func() {
		started := filepath.Join(r.machines.Root(instance), "started")
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if _, err := os.Stat(started); err == nil {
				_ = r.machines.Reboot(context.Background(), instance)
				return
			}
		}
	}()
	results := r.run(t.Context(), t, document(t, nil, script("a",
		`if [ -e "$ROOT/started" ]; then echo again; exit; fi`+"\n"+`touch "$ROOT/started"; sleep 600`)), nil)
	if diff := cmp.Diff([]string{"a Success 0 again"}, outcome(results)); diff != "" {
		t.Error(diff)
	}
}

func TestAStepThatAlwaysRebootsFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	results := r.run(t.Context(), t, document(t, nil, script("a", "exit 194")), nil)
	if results[0].Status != runcommand.Failed || !strings.Contains(results[0].Stderr, "15 times") ||
		r.machines.Boots(instance) != 16 {
		t.Errorf("%+v after %d boots", results, r.machines.Boots(instance))
	}
}

func TestOutputIsCut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	results := r.run(t.Context(), t, document(t, nil,
		script("a", "yes ä | head -c 90000\nyes b | head -c 30000 >&2"), script("b", "yes o | head -c 2000\nyes e | head -c 2000 >&2"),
		script("c", "echo out\necho err >&2")), nil)
	for _, text := range []string{results[0].Stdout, results[0].Stderr} {
		// A character that is cut in the middle becomes another, longer one.
		if got := len(text); got < runcommand.MaxOutput || got > runcommand.MaxOutput+2 ||
			!strings.HasSuffix(text, "--output truncated--") {
			t.Errorf("%d bytes", got)
		}
	}
	for _, result := range results[:2] {
		if got := len(result.Output); got > runcommand.MaxCombined+2 || got < runcommand.MaxCombined-50 {
			t.Errorf("%d bytes together", got)
		}
	}
	for _, size := range []int{runcommand.MaxOutput - 1, runcommand.MaxOutput} {
		got := newRig(t).run(t.Context(), t, document(t, nil, script("a", fmt.Sprintf("yes | head -c %d", size))), nil)[0].Stdout
		if len(got) != size || strings.HasSuffix(got, "truncated--") != (size == runcommand.MaxOutput) {
			t.Errorf("%d bytes of output become %d that end in %q", size, len(got), got[len(got)-20:])
		}
	}
	if got := results[2].Output; got != "out\n\n----------ERROR-------\nerr\n" {
		t.Errorf("together: %q", got)
	}
}

func TestStepsAreReported(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.run(t.Context(), t, document(t, nil, script("a", "echo a"), script("b", "exit 2")), nil)
	want := []string{"a InProgress -1", "a Success 0 a", "b InProgress -1", "b Failed 2"}
	if diff := cmp.Diff(want, outcome(r.reports)); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentsAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	letter := map[string]any{"type": "String", "allowedPattern": "^[a-z]$", "default": "A"}
	whole := document(t, map[string]any{"text": letter}, script("a", "echo a"))
	for name, tt := range map[string]struct {
		content string
		given   map[string][]string
		problem string
	}{
		"another schema":                    {strings.Replace(whole, "2.2", "3.0", 1), nil, `"3.0"`},
		"a value against its pattern":       {whole, map[string][]string{"text": {"7"}}, "value /7/ does not match"},
		"a default against its own pattern": {whole, nil, "value /A/ does not match"},
	} {
		results, err := newRig(t).try(t.Context(), t, tt.content, tt.given)
		if err == nil || !strings.Contains(err.Error(), tt.problem) || results[0].Status != runcommand.Pending {
			t.Errorf("%s: %v, %+v", name, err, results)
		}
	}
}

func TestShellScriptDocument(t *testing.T) {
	t.Parallel()
	content, ok := runcommand.Builtin(runcommand.ShellScript)
	if !ok {
		t.Fatal("there is none")
	}
	r := newRig(t)
	results := r.run(t.Context(), t, content, map[string][]string{
		"commands": {"echo a", "echo b"}, "executionTimeout": {"90"},
	})
	if diff := cmp.Diff([]string{"aws:runShellScript Success 0 a\nb"}, outcome(results)); diff != "" {
		t.Error(diff)
	}
	if got := r.machines.Ran()[0].Timeout; got != 90*time.Second {
		t.Errorf("timeout %s", got)
	}
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	download := func(source, target string) step {
		return step{"action": "aws:downloadContent", "name": "d", "inputs": map[string]any{
			"sourceType": "S3", "sourceInfo": `{"path": "` + source + `"}`, "destinationPath": target,
		}}
	}
	const url = "https://s3.eu-central-1.amazonaws.com/bucket/a/b%20c.sh"
	for name, tt := range map[string]struct {
		source, target, file, problem string
	}{
		"to a file":          {url, "/opt/x", "/opt/x", ""},
		"into a folder":      {url, "/opt/", "/opt/b c.sh", ""},
		"into one that is":   {url, "/etc", "/etc/b c.sh", ""},
		"a plus is a space":  {strings.Replace(url, "%20", "+", 1), "/opt/x", "/opt/x", ""},
		"bucket in the host": {"https://bucket.s3.eu-central-1.amazonaws.com/a/b%20c.sh", "/opt/x", "/opt/x", ""},
		"no such object":     {"https://s3.amazonaws.com/bucket/none", "/opt/x", "", "404"},
		"a prefix":           {"https://s3.amazonaws.com/bucket/a/", "/opt/x", "", "address of one object"},
		"another address":    {"s3://bucket/a", "/opt/x", "", "https://s3.<region>"},
		"a relative target":  {url, "x", "", "absolute"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.objects["bucket/a/b c.sh"] = "content"
			result := r.run(t.Context(), t, document(t, nil, download(tt.source, tt.target)), nil)[0]
			if tt.problem != "" {
				if result.Status != runcommand.Failed || !strings.Contains(result.Stderr, tt.problem) {
					t.Errorf("%+v, wanted %q", result, tt.problem)
				}
				return
			}
			path := filepath.Join(r.machines.Root(instance), tt.file)
			content, err := os.ReadFile(path)
			if err != nil || string(content) != "content" || result.Status != runcommand.Success {
				t.Errorf("%q, %v, %+v", content, err, result)
			}
		})
	}
	github := download(url, "/opt/x")
	github["inputs"].(map[string]any)["sourceType"] = "GitHub"
	result := newRig(t).run(t.Context(), t, document(t, nil, github), nil)[0]
	if result.Status != runcommand.Failed || !strings.Contains(result.Stderr, `"GitHub"`) {
		t.Errorf("%+v", result)
	}
}
