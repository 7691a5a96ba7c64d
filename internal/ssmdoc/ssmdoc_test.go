package ssmdoc

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/pulumitest"
	"webstack/internal/scripttest"
)

func sample() Document {
	return Document{
		Description: "Says a word",
		Parameters:  map[string]Parameter{"word": {Description: "The word", Pattern: `^[a-z.]+$`}},
		Steps:       []Step{{Name: "say", Script: Script("echo \"$word\"\n", "word"), TimeoutSeconds: 60}},
	}
}

// program registers a document under a component.
func program(document Document, name string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{Region: pulumi.StringPtr(pulumitest.Region)})
		if err != nil {
			return err
		}
		_, err = document.Register(ctx, "document", name, pulumi.Provider(provider))
		return err
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(sample(), "webstack-test-say"), pulumitest.Options{},
		func(t *testing.T, recorder *pulumitest.Recorder) {
			found := recorder.One(t, "aws:ssm/document:Document", "document")
			if found.Text("name") != "webstack-test-say" || found.Text("documentType") != "Command" ||
				found.Text("targetType") != "/AWS::EC2::Instance" || found.Text("documentFormat") != "JSON" {
				t.Errorf("inputs: %v", found.Inputs)
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(found.Text("content")), &got); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"schemaVersion": "2.2",
				"description":   "Says a word",
				"parameters": map[string]any{"word": map[string]any{
					"type": "String", "description": "The word", "allowedPattern": `^[a-z.]+$`, "interpolationType": "ENV_VAR",
				}},
				"mainSteps": []any{map[string]any{
					"action": "aws:runShellScript", "name": "say",
					"inputs": map[string]any{
						"timeoutSeconds": 60.0, "onFailure": "exit", "runCommand": []any{Script("echo \"$word\"\n", "word")},
					},
				}},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("content: -want +got:\n%s", diff)
			}
		})
}

func TestRegisterRefusesAllAtOnce(t *testing.T) {
	t.Parallel()
	bad := Document{
		Parameters: map[string]Parameter{"a_b": {Pattern: `^a$`}, "open": {Pattern: `[a-z]+`}, "none": {}},
		Steps:      []Step{{Name: "a step", TimeoutSeconds: 60}, {Name: "long", TimeoutSeconds: 172801}},
	}
	pulumitest.CheckRefused(t, program(bad, "AWS stack"), pulumitest.Options{},
		`name the document "AWS stack": use 3 to 128`, "begin with aws; rename the project", `name the parameter "a_b"`,
		`for the parameter open: anchor`, `for the parameter none: anchor`, `name the step "a step"`,
		"stop the step long after 172801 s: use 5 to 172800")
}

// Whatever the agent makes of a parameter, the script sees its value.
func TestScriptWithEveryAgent(t *testing.T) {
	t.Parallel()
	script := Script("echo \"$word\"\n", "word")
	scripttest.Check(t, script)
	for name, agent := range map[string]struct{ paste, env string }{
		"pastes the value":              {paste: "some.word"},
		"sets and names the variable":   {paste: "${SSM_word}", env: "SSM_word=some.word"},
		"sets the variable, no pasting": {paste: "{{ word }}", env: "SSM_word=some.word"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), "bash")
			command.Env = []string{"PATH=/usr/bin:/bin", agent.env}
			command.Stdin = strings.NewReader(strings.ReplaceAll(script, "{{ word }}", agent.paste))
			if out, err := command.CombinedOutput(); err != nil || string(out) != "some.word\n" {
				t.Errorf("printed %q, %v", out, err)
			}
		})
	}
}

func TestScriptStopsAtAFailure(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), "bash")
	command.Stdin = strings.NewReader(Script("false | true\necho \"still here, $HOME\"\n"))
	if out, err := command.CombinedOutput(); err == nil || len(out) > 0 {
		t.Errorf("printed %q, %v", out, err)
	}
}
