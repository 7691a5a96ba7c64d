package stack

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"webstack/host/ctl"
)

var (
	// hostCommand is a call of the host program in a script: by its path, or by the variable that the first download sets.
	hostCommand = regexp.MustCompile(`(?m)^exec (?:'/[^']*/bin/webstackctl'|"\$program") (.+)$`)
	// anyMention is every line that could be one.
	anyMention = regexp.MustCompile(`(?m)^[^#\n]*(?:/bin/webstackctl'|"\$program") [a-z].*$`)
)

// samples are values that parameters of documents may have, as a shell would put them in.
var samples = strings.NewReplacer(
	`"$dataVolumeId"`, "vol-0123456789abcdef0", `"$bucket"`, "artifacts", `"$manifestSha256"`, strings.Repeat("a", 64),
	`"$stackDir"`, "/opt/webstack", `"$app"`, "shop", `"$lines"`, "10", `"$since"`, "5m", `"$from"`, "0",
	` "${names[@]}"`, "", ` "${target[@]}"`, "", `'`, "",
)

// TestDocumentsCallTheHostProgramAsItIs takes every call of the host program in every document, and has the program itself
// judge it: with a flag too many, that flag must be all that it finds wrong, so nothing is done.
func TestDocumentsCallTheHostProgramAsItIs(t *testing.T) {
	t.Parallel()
	called := map[string]bool{}
	documents := everything().run(t).ByType("aws:ssm/document:Document")
	for _, document := range documents {
		var content struct {
			MainSteps []struct{ Inputs struct{ RunCommand []string } }
		}
		if err := json.Unmarshal([]byte(document.Text("content")), &content); err != nil {
			t.Fatalf("%s: %v", document.Name, err)
		}
		for _, step := range content.MainSteps {
			script := strings.Join(step.Inputs.RunCommand, "\n")
			calls := hostCommand.FindAllStringSubmatch(script, -1)
			if mentions := anyMention.FindAllString(script, -1); len(mentions) != len(calls) {
				t.Errorf("%s: not all of these are calls that this test understands: %q", document.Name, mentions)
			}
			for _, call := range calls {
				words := strings.Fields(samples.Replace(call[1]))
				called[words[0]] = true
				if !slices.Contains(words, "--stack-dir") {
					t.Errorf("%s: %q does not say where the stack directory is", document.Name, words)
				}
				var errs bytes.Buffer
				code := ctl.Command{Stdout: io.Discard, Stderr: &errs}.Main(append(words, "--no-such-flag"))
				if code != ctl.ExitUsage || !strings.Contains(errs.String(), "not defined: -no-such-flag") {
					t.Errorf("%s: %q: exit code %d, %s", document.Name, words, code, errs.String())
				}
			}
		}
	}
	for _, name := range []string{"mount", "converge", "deploy", "backup", "restore", "maintenance", "status", "logs"} {
		if !called[name] {
			t.Errorf("no document calls %s; there are %d documents", name, len(documents))
		}
	}
}
