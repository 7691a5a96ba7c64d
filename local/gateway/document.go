package gateway

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxDocument is SSM's limit for a document's content, in bytes.
const maxDocument = 64 << 10

var (
	documentName = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{3,128}$`)
	// reserved is how names begin that only AWS may use, in lower case.
	reserved      = []string{"aws", "amazon", "amzn"}
	parameterWord = regexp.MustCompile(`^[a-zA-Z0-9]+$`)
	stepName      = regexp.MustCompile(`^[a-zA-Z0-9_\-]{1,128}$`)
	stepActions   = []string{
		"aws:applications", "aws:cloudWatch", "aws:configureDocker", "aws:configurePackage", "aws:domainJoin",
		"aws:downloadContent", "aws:psModule", "aws:refreshAssociation", "aws:runDockerAction", "aws:runDocument",
		"aws:runPowerShellScript", "aws:runShellScript", "aws:softwareInventory", "aws:updateAgent", "aws:updateSsmAgent",
	}
)

// document is the content of a Command document, schema 2.2, as far as it is looked at here.
type document struct {
	SchemaVersion string                       `yaml:"schemaVersion"`
	Parameters    map[string]documentParameter `yaml:"parameters"`
	MainSteps     []struct {
		Action string         `yaml:"action"`
		Name   string         `yaml:"name"`
		Inputs map[string]any `yaml:"inputs"`
	} `yaml:"mainSteps"`
}

type documentParameter struct {
	Type           string   `yaml:"type"`
	Default        any      `yaml:"default"`
	AllowedValues  []string `yaml:"allowedValues"`
	AllowedPattern string   `yaml:"allowedPattern"`
}

func (g *Gateway) putDocument(w http.ResponseWriter, r *http.Request, c call) {
	var in struct{ Name, Content, DocumentType, DocumentFormat string }
	if !c.parse(w, &in) {
		return
	}
	problem := checkContent(in.Content)
	if c.action == "CreateDocument" && problem == nil {
		problem = checkDocumentName(in.Name)
	}
	if problem != nil {
		c.refuse(w, problem)
		return
	}
	g.showDocuments(w, r, c)
}

func checkDocumentName(name string) *problem {
	if !documentName.MatchString(name) {
		return wrong("ValidationException", "document name %q: 3 to 128 of a-zA-Z0-9_-. are allowed", name)
	}
	for _, prefix := range reserved {
		if strings.HasPrefix(strings.ToLower(name), prefix) {
			return wrong("ValidationException", "document name %q: names that begin with %s are reserved", name, prefix)
		}
	}
	return nil
}

// checkContent finds what AWS, or the agent on a host, would refuse in a Command document. Other documents are moto's.
func checkContent(content string) *problem {
	if len(content) > maxDocument {
		return wrong("MaxDocumentSizeExceeded", "The document is larger than %d bytes", maxDocument)
	}
	var d document
	if err := yaml.Unmarshal([]byte(content), &d); err != nil { // JSON is YAML too
		return wrong("InvalidDocumentContent", "The content is neither JSON nor YAML: %v", err)
	}
	if d.SchemaVersion != "2.2" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		if problem := d.Parameters[name].check(name); problem != nil {
			return problem
		}
	}
	return d.checkSteps()
}

func (d document) checkSteps() *problem {
	if len(d.MainSteps) == 0 {
		return wrong("InvalidDocumentContent", "The document has no mainSteps")
	}
	seen := map[string]bool{}
	for _, step := range d.MainSteps {
		switch {
		case !slices.Contains(stepActions, step.Action):
			return wrong("InvalidDocumentContent", "Step %q: there is no action %q for commands", step.Name, step.Action)
		case !stepName.MatchString(step.Name):
			return wrong("InvalidDocumentContent", "Step name %q: 1 to 128 of a-zA-Z0-9_- are allowed", step.Name)
		case seen[step.Name]:
			return wrong("InvalidDocumentContent", "Two steps have the name %q", step.Name)
		case step.Action == "aws:runShellScript" && step.Inputs["runCommand"] == nil:
			return wrong("InvalidDocumentContent", "Step %q has no runCommand", step.Name)
		}
		seen[step.Name] = true
	}
	return nil
}

// check finds fault with a declared parameter.
func (p documentParameter) check(name string) *problem {
	_, err := regexp.Compile(p.AllowedPattern) // the agent's syntax
	switch {
	case !parameterWord.MatchString(name):
		return wrong("InvalidDocumentContent", "Parameter name %q: letters and digits only; the agent drops others", name)
	case p.Type != "String" && p.Type != "StringList":
		return wrong("InvalidDocumentContent", "Parameter %q: commands have String and StringList, not %q", name, p.Type)
	case err != nil:
		return wrong("InvalidDocumentContent", "Parameter %q: allowedPattern: %v", name, err)
	}
	return nil
}

// accepts finds fault with the values that are given for the document's parameters.
func (d document) accepts(given map[string][]string) *problem {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		values := given[name]
		declared, ok := d.Parameters[name]
		if !ok {
			return wrong("InvalidParameters", "The document does not define the parameter %s", name)
		}
		if declared.Type == "String" && len(values) != 1 {
			return wrong("InvalidParameters", "The parameter %s takes one value, not %d", name, len(values))
		}
		pattern, err := regexp.Compile(declared.AllowedPattern)
		for _, value := range values {
			if err == nil && !pattern.MatchString(value) ||
				len(declared.AllowedValues) > 0 && !slices.Contains(declared.AllowedValues, value) {
				return wrong("InvalidParameters", "The value of the parameter %s is not allowed", name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		declared := d.Parameters[name]
		if declared.Default == nil && given[name] == nil {
			return wrong("InvalidParameters", "The parameter %s has no default and is not given", name)
		}
	}
	return nil
}

// deleteDocument refuses to delete a document that an association runs.
func (g *Gateway) deleteDocument(w http.ResponseWriter, r *http.Request, c call) {
	var in struct{ Name string }
	if !c.parse(w, &in) {
		return
	}
	if g.state.runs(in.Name) {
		c.refuse(w, wrong("AssociatedInstances", "Disassociate document %s from all associations first", in.Name))
		return
	}
	g.moto.ServeHTTP(w, r)
}
