// Package ssmdoc writes SSM command documents from typed parts instead of pasted JSON.
package ssmdoc

import (
	_ "embed" // for the template of scripts
	"maps"
	"strings"
	"text/template"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
)

// Document is a command document of schema 2.2.
type Document struct {
	Description string
	Parameters  map[string]Parameter
	// Steps run in their order; when one fails, the rest are left out.
	Steps []Step
}

// Parameter is an input of a document. Its value reaches scripts in the environment variable SSM_<name>; agents before
// 3.3.2746 paste it into the script instead, so Pattern must leave nothing that a shell could take for more than text.
type Parameter struct {
	Description string
	// Pattern is anchored, and in what Java and RE2 both understand.
	Pattern string
	// Default makes the parameter optional when it is not nil.
	Default *string
}

// Optional returns an anchored pattern that also allows nothing.
func Optional(pattern string) string { return "^(?:" + pattern + ")?$" }

// Followed returns the parameters of a document with an action "watch", which prints what a running command of the
// document has printed: the given ones, "command" and "from".
func Followed(parameters map[string]Parameter) map[string]Parameter {
	nothing, zero := "", "0"
	all := maps.Clone(parameters)
	all["command"] = Parameter{
		Description: "ID of the command to watch", Pattern: Optional(contract.CommandIDPattern), Default: &nothing,
	}
	all["from"] = Parameter{Description: "Byte of its output to begin with", Pattern: "^[0-9]{1,9}$", Default: &zero}
	return all
}

// Step is a script that runs on the host.
type Step struct {
	// Name is letters and digits.
	Name string
	// Script is a bash script: a string or a pulumi.StringInput.
	Script any
	// TimeoutSeconds is 5 to 172800; what takes longer is killed.
	TimeoutSeconds int
}

// render returns the document's content as JSON. It is known in a preview when all scripts are.
func (d Document) render() pulumi.StringOutput {
	steps := make([]any, len(d.Steps))
	for i, step := range d.Steps {
		steps[i] = map[string]any{
			"action": "aws:runShellScript",
			"name":   step.Name,
			"inputs": map[string]any{
				"runCommand": []any{step.Script}, "timeoutSeconds": step.TimeoutSeconds, "onFailure": "exit",
			},
		}
	}
	parameters := map[string]any{}
	for name, p := range d.Parameters {
		parameter := map[string]any{
			"type": "String", "description": p.Description, "allowedPattern": p.Pattern, "interpolationType": "ENV_VAR",
		}
		if p.Default != nil {
			parameter["default"] = *p.Default
		}
		parameters[name] = parameter
	}
	return pulumi.JSONMarshal(map[string]any{
		"schemaVersion": "2.2", "description": d.Description, "parameters": parameters, "mainSteps": steps,
	})
}

//go:embed script.sh.tmpl
var scriptText string

var scriptTemplate = template.Must(template.New("script").Delims("<%", "%>").Parse(scriptText))

// Script returns a bash script with the lines that every script begins with, the values of parameters, and a body. Each
// parameter becomes a variable of the same name, whether the agent sets environment variables for parameters or pastes
// their values: the form is the one that AWS gives for both.
func Script(body string, parameters ...string) string {
	var out strings.Builder
	data := struct {
		Parameters []string
		Body       string
	}{parameters, body}
	if err := scriptTemplate.Execute(&out, data); err != nil {
		panic(err) // the template is part of the program
	}
	return out.String()
}
