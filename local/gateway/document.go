package gateway

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"webstack/local/runcommand"
)

// maxDocument is SSM's limit for a document's content, in bytes.
const maxDocument = 64 << 10

var (
	documentName = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{3,128}$`)
	// reserved are the prefixes of names that only AWS may use, in lower case.
	reserved      = []string{"aws", "amazon", "amzn"}
	parameterWord = regexp.MustCompile(`^[a-zA-Z0-9]+$`)
	stepName      = regexp.MustCompile(`^[a-zA-Z0-9_\-]{1,128}$`)
)

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
	if g.passDocument(w, r, c) && c.action == "UpdateDocument" {
		g.fleet.documentChanged(c.region, in.Name, latestVersion)
	}
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

// checkContent reports what AWS, or the agent on a host, would reject in a Command document. Other documents are left
// to moto.
func checkContent(content string) *problem {
	if len(content) > maxDocument {
		return wrong("MaxDocumentSizeExceeded", "The document is larger than %d bytes", maxDocument)
	}
	d, err := runcommand.Parse(content)
	if err != nil {
		return wrong("InvalidDocumentContent", "The content is not a document in JSON or YAML: %v", err)
	}
	if d.SchemaVersion != "2.2" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		if problem := checkParameter(name, d.Parameters[name]); problem != nil {
			return problem
		}
	}
	return checkSteps(d.MainSteps)
}

func checkSteps(steps []runcommand.Step) *problem {
	if len(steps) == 0 {
		return wrong("InvalidDocumentContent", "The document has no mainSteps")
	}
	seen := map[string]bool{}
	for _, step := range steps {
		switch {
		case !slices.Contains(runcommand.Actions, step.Action):
			return wrong("InvalidDocumentContent", "Step %q: unknown action %q for commands", step.Name, step.Action)
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

// checkParameter checks a declared parameter.
func checkParameter(name string, p runcommand.Parameter) *problem {
	_, err := regexp.Compile(p.AllowedPattern) // the agent's syntax
	switch {
	case !parameterWord.MatchString(name):
		return wrong("InvalidDocumentContent", "Parameter name %q: letters and digits only; the agent drops others", name)
	case p.Type != "String" && p.Type != "StringList":
		return wrong("InvalidDocumentContent", "Parameter %q: commands support String and StringList, not %q", name, p.Type)
	case err != nil:
		return wrong("InvalidDocumentContent", "Parameter %q: allowedPattern: %v", name, err)
	}
	return nil
}

// deleteDocument rejects deleting a document that an association runs.
func (g *Gateway) deleteDocument(w http.ResponseWriter, r *http.Request, c call) {
	var in struct{ Name string }
	if !c.parse(w, &in) {
		return
	}
	g.state.documents.Lock()
	defer g.state.documents.Unlock()
	if g.state.runs(c.region, in.Name) {
		c.refuse(w, wrong("AssociatedInstances", "Disassociate document %s from all associations first", in.Name))
		return
	}
	g.moto.ServeHTTP(w, r)
}

// defaultVersion and latestVersion name versions of a document that change.
const (
	defaultVersion = "$DEFAULT"
	latestVersion  = "$LATEST"
)

// foundDocument is a document, or the reason why it was not found.
type foundDocument struct {
	runcommand.Document
	content string
	problem *problem
}

// documentOf gets a version of a document.
func (g *Gateway) documentOf(r *http.Request, name, version string) (foundDocument, error) {
	var out struct{ Content string }
	if content, ok := runcommand.Builtin(name); ok {
		out.Content = content
	} else {
		in := map[string]string{"Name": name}
		answer, err := g.ask(r, "GetDocument", in, &out)
		if err != nil {
			return foundDocument{}, err
		}
		if !answer.ok() {
			return foundDocument{problem: wrong("InvalidDocument", "The document %s does not exist", name)}, nil
		}
		if version != defaultVersion { // GetDocument returns it, but does not accept this name
			in["DocumentVersion"] = version
			if answer, err = g.ask(r, "GetDocument", in, &out); err != nil {
				return foundDocument{}, err
			}
			if !answer.ok() {
				return foundDocument{problem: wrong("InvalidDocumentVersion", "The document %s has no version %s",
					name, version)}, nil
			}
		}
	}
	found := foundDocument{content: out.Content}
	var err error
	if found.Document, err = runcommand.Parse(out.Content); err != nil {
		found.problem = wrong("InvalidDocument", "The document %s cannot be read: %v", name, err)
	}
	return found, nil
}

// setDefaultVersion makes the associations run that use the default version.
func (g *Gateway) setDefaultVersion(w http.ResponseWriter, r *http.Request, c call) {
	var in struct{ Name string }
	if !c.parse(w, &in) {
		return
	}
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if answer.ok() {
		g.fleet.documentChanged(c.region, in.Name, defaultVersion)
	}
	answer.write(w)
}
