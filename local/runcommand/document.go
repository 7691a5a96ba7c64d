package runcommand

import (
	"encoding/json"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// Document is the content of a command document.
type Document struct {
	SchemaVersion string               `json:"schemaVersion"`
	Description   string               `json:"description"`
	Parameters    map[string]Parameter `json:"parameters"`
	MainSteps     []Step               `json:"mainSteps"`
}

// Parameter is a parameter as a document declares it.
type Parameter struct {
	// Type is String or StringList.
	Type string `json:"type"`
	// Default makes the parameter optional if it is not nil: a string or a list of strings.
	Default any `json:"default"`
	// AllowedValues and AllowedPattern restrict the values; none and "" allow all. The pattern is not anchored.
	AllowedValues  []any  `json:"allowedValues"`
	AllowedPattern string `json:"allowedPattern"`
	// A list may have MinItems to MaxItems values, and each value MinChars to MaxChars characters.
	MinItems *int `json:"minItems"`
	MaxItems *int `json:"maxItems"`
	MinChars *int `json:"minChars"`
	MaxChars *int `json:"maxChars"`
	// InterpolationType is ENV_VAR for a value that scripts get in the environment instead of in their text.
	InterpolationType string `json:"interpolationType"`
}

// Step is a step of a document.
type Step struct {
	// Action is what the step does, such as aws:runShellScript.
	Action string `json:"action"`
	// Name is the step's own.
	Name string `json:"name"`
	// Inputs are the action's, and what onFailure, onSuccess and finallyStep say.
	Inputs map[string]any `json:"inputs"`
	// Precondition says on which machines the step runs, by operator.
	Precondition map[string][]string `json:"precondition"`
}

// Parse reads a document, which is JSON or YAML.
func Parse(content string) (Document, error) {
	var d Document
	text := []byte(content)
	if !json.Valid(text) {
		var read any
		if err := yaml.Unmarshal(text, &read); err != nil {
			return d, fmt.Errorf("read the document, which is not JSON, as YAML: %w", err)
		}
		var err error
		if text, err = json.Marshal(read); err != nil {
			return d, fmt.Errorf("read the document: %w", err)
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("read the document: %w", err)
	}
	return d, nil
}

// schemas are the versions of documents that run. Earlier ones have no steps.
var schemas = []string{"2.0", "2.2"}

// Supported reports whether documents of this schema version can run.
func (d Document) Supported() bool { return slices.Contains(schemas, d.SchemaVersion) }

// ShellScript is the document AWS-RunShellScript, which every account has.
const ShellScript = "AWS-RunShellScript"

// shellScript does the same as AWS's own document of that name, in schema 2.2.
const shellScript = `{
  "schemaVersion": "2.2",
  "description": "Run a shell script or specify the commands to run.",
  "parameters": {
    "commands": {"type": "StringList", "minItems": 1, "displayType": "textarea"},
    "workingDirectory": {"type": "String", "default": "", "maxChars": 4096},
    "executionTimeout": {"type": "String", "default": "3600",
      "allowedPattern": "([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)"}
  },
  "mainSteps": [{
    "action": "aws:runShellScript", "name": "aws:runShellScript",
    "inputs": {
      "runCommand": "{{ commands }}", "workingDirectory": "{{ workingDirectory }}",
      "timeoutSeconds": "{{ executionTimeout }}"
    }
  }]
}`

// Builtin returns the content of a document of AWS, and whether the laptop cloud has it.
func Builtin(name string) (content string, ok bool) {
	return shellScript, name == ShellScript
}
