package providertest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
)

// Lifecycle is the test of every resource type: it is created, read, refreshed, imported, updated and deleted as the
// engine would, and must look the same each time.
type Lifecycle struct {
	Token  string
	Inputs provider.Values
	// Unknown are outputs that a preview of the creation must show as unknown.
	Unknown []string
	// Want are outputs after creation.
	Want provider.Values
	// Secrets are the outputs that must be marked secret; no others may be.
	Secrets []string
	// Update are inputs that change in place; nil values are taken out. Nil for types that cannot change in place.
	Update provider.Values
	// Recomputed are outputs that a preview of the update must show as unknown.
	Recomputed []string
	// Replace are single changes of which each must replace the resource.
	Replace []provider.Values
	// DeletesFirst marks a type of which the old resource must go before its replacement comes.
	DeletesFirst bool
	// ImportID is the id to import by; "" for the resource's own. "{key}" in it stands for that output.
	ImportID string
	// OpaqueID marks a type whose ids are made up, so that an imported resource gets another one.
	OpaqueID bool
	// NotImported are inputs that an import cannot find out.
	NotImported []string
	// Survives marks a resource that deletion only forgets.
	Survives bool
	// DeletedTwice is what a second deletion must fail with; "" when it is not an error.
	DeletedTwice string
}

// Run runs the test for one type.
func (l Lifecycle) Run(t *testing.T, e *Engine) {
	t.Helper()
	l.refuses(e)
	l.previews(e)
	r := e.Create(l.Token, l.Inputs)
	for _, key := range l.Want.Keys() {
		if diff := cmp.Diff(jsonForm(e, l.Want)[key], r.Outputs[key]); diff != "" {
			t.Errorf("%s after creation: %s", key, diff)
		}
	}
	if want := append([]string{}, l.Secrets...); !slices.Equal(want, r.secrets) {
		t.Errorf("secrets %v, want %v", r.secrets, want)
	}
	l.refreshes(r)
	l.imports(r)
	if l.Update != nil {
		l.updates(r)
	}
	l.replaces(r)
	l.deletes(r)
}

// refuses checks that unknown, computed and missing properties are named.
func (l Lifecycle) refuses(e *Engine) {
	_, problems := e.Check(l.Token, nil, Merged(l.Inputs, provider.Values{"colour": "red"}))
	WantProblem(e.T, problems, "colour: the laptop cloud does not support this property")
	for key, prop := range e.types[l.Token].Props {
		if prop.Required {
			_, problems := e.Check(l.Token, nil, Merged(l.Inputs, provider.Values{key: nil}))
			WantProblem(e.T, problems, "missing required property '"+key+"'")
		}
	}
}

// WantProblem fails the test when none of the problems that Check found says want.
func WantProblem(t *testing.T, problems []string, want string) {
	t.Helper()
	if !slices.ContainsFunc(problems, func(problem string) bool { return strings.Contains(problem, want) }) {
		t.Errorf("problems %q, want one that says %q", problems, want)
	}
}

func (l Lifecycle) previews(e *Engine) {
	previewed := e.Previewed(l.Token, l.Inputs)
	for _, key := range l.Unknown {
		if previewed[key] != (provider.Unknown{}) {
			e.T.Errorf("preview of the creation: %s is %v, want unknown", key, previewed[key])
		}
	}
	for key, value := range jsonForm(e, l.Inputs) {
		if diff := cmp.Diff(value, previewed[key]); diff != "" {
			e.T.Errorf("preview of the creation: %s: %s", key, diff)
		}
	}
}

// refreshes checks that reading a resource that nobody touched finds no drift, neither in inputs nor in outputs.
func (l Lifecycle) refreshes(r *Resource) {
	t := r.Engine.T
	t.Helper()
	id, inputs, outputs := r.Refresh()
	if id != r.ID {
		t.Errorf("refresh: id %q, want %q", id, r.ID)
	}
	if diff := cmp.Diff(r.Inputs, inputs); diff != "" {
		t.Errorf("refresh changes inputs: %s", diff)
	}
	if diff := cmp.Diff(r.Outputs, outputs); diff != "" {
		t.Errorf("refresh changes outputs: %s", diff)
	}
	if got := r.Diff(r.Engine.Checked(r.Token, r.Inputs, l.Inputs)); got.Changes != pulumirpc.DiffResponse_DIFF_NONE {
		t.Errorf("the same inputs again differ in %v", got.Diffs)
	}
}

// imports checks that an import gives inputs with which the program that made the resource has nothing to change.
func (l Lifecycle) imports(r *Resource) {
	e := r.Engine
	e.T.Helper()
	importID := l.ImportID
	if importID == "" {
		importID = r.ID
	}
	for key, value := range Merged(r.Outputs, provider.Values{"id": r.ID}) { // ids that are put together of others
		if text, ok := value.(string); ok {
			importID = strings.ReplaceAll(importID, "{"+key+"}", text)
		}
	}
	id, inputs, outputs := e.Read(l.Token, importID, nil, nil)
	if id != r.ID && (!l.OpaqueID || id == "") {
		e.T.Errorf("import by %s: id %q, want %q", importID, id, r.ID)
		return
	}
	imported := &Resource{Engine: e, Token: l.Token, ID: id, Inputs: inputs, Outputs: outputs}
	for _, key := range imported.Diff(e.Checked(l.Token, inputs, l.Inputs)).Diffs {
		if !e.types[l.Token].Props[key].InputOnly && !slices.Contains(l.NotImported, key) {
			e.T.Errorf("after an import %s would change from %v to %v", key, inputs[key], l.Inputs[key])
		}
	}
}

func (l Lifecycle) updates(r *Resource) {
	e := r.Engine
	e.T.Helper()
	wanted := Merged(l.Inputs, l.Update)
	got := r.Diff(e.Checked(l.Token, r.Inputs, wanted))
	if got.Changes != pulumirpc.DiffResponse_DIFF_SOME || len(got.Replaces) > 0 {
		e.T.Errorf("update: changes %v, replaces %v, want changes in place", got.Diffs, got.Replaces)
	}
	for _, key := range l.Update.Keys() {
		if !slices.Contains(got.Diffs, key) {
			e.T.Errorf("update: no difference in %s, only in %v", key, got.Diffs)
		}
	}
	previewed := r.PreviewedUpdate(wanted)
	for _, key := range l.Recomputed {
		if previewed[key] != (provider.Unknown{}) {
			e.T.Errorf("preview of the update: %s is %v, want unknown", key, previewed[key])
		}
	}
	r.Update(wanted)
	after := l
	after.Inputs = wanted
	after.refreshes(r)
}

func (l Lifecycle) replaces(r *Resource) {
	e := r.Engine
	e.T.Helper()
	for _, change := range l.Replace {
		got := r.Diff(e.Checked(r.Token, r.Inputs, Merged(Merged(l.Inputs, l.Update), change)))
		if len(got.Replaces) == 0 {
			e.T.Errorf("%v replaces nothing; it changes %v", change, got.Diffs)
		}
		for _, key := range got.Replaces {
			if _, changed := change[key]; !changed {
				e.T.Errorf("%v also replaces for %s", change, key)
			}
		}
		if l.DeletesFirst && !got.DeleteBeforeReplace {
			e.T.Errorf("%v does not delete the old resource first", change)
		}
	}
}

// deletes checks that the resource is gone afterwards, and what becomes of a second deletion.
func (l Lifecycle) deletes(r *Resource) {
	t := r.Engine.T
	t.Helper()
	if err := r.TryDelete(t.Context()); err != nil {
		t.Errorf("delete: %v", err)
		return
	}
	if id, _, _ := r.Refresh(); (id != "") != l.Survives {
		t.Errorf("refresh after deletion: id %q", id)
	}
	switch err := r.TryDelete(context.WithoutCancel(t.Context())); {
	case l.DeletedTwice == "" && err != nil:
		t.Errorf("delete again: %v", err)
	case l.DeletedTwice != "" && (err == nil || !strings.Contains(err.Error(), l.DeletedTwice)):
		t.Errorf("delete again: %v, want an error that says %q", err, l.DeletedTwice)
	}
	r.ID = ""
}
