package awsprovider

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
)

// lifecycle is what every resource type is put through: it is created, read, refreshed, imported, updated and deleted
// as the engine would, and must look the same from every side.
type lifecycle struct {
	token  string
	inputs provider.Values
	// unknown are outputs that a preview of the creation must show as unknown.
	unknown []string
	// want are outputs after creation.
	want provider.Values
	// update are inputs that change in place; nil values are taken out. Nil for types that cannot change in place.
	update provider.Values
	// replace are single changes of which each must replace the resource.
	replace []provider.Values
	// importID is the id to import by; "" for the resource's own.
	importID string
	// opaqueID marks a type whose ids are made up, so that an imported resource gets another one.
	opaqueID bool
	// notImported are inputs that an import cannot find out.
	notImported []string
	// survives marks a resource that deletion only forgets.
	survives bool
}

// run puts one type through its life.
func (l lifecycle) run(t *testing.T, e *engine) {
	t.Helper()
	l.refuses(e)
	l.previews(e)
	r := e.create(l.token, l.inputs)
	for _, key := range l.want.Keys() {
		if diff := cmp.Diff(jsonForm(e, l.want)[key], r.outputs[key]); diff != "" {
			t.Errorf("%s after creation: %s", key, diff)
		}
	}
	l.refreshes(r)
	l.imports(r)
	if l.update != nil {
		l.updates(r)
	}
	l.replaces(r)
	l.deletes(r)
}

// jsonForm gives values the form that they have after a way over the wire.
func jsonForm(e *engine, values provider.Values) provider.Values { return e.decode(e.encode(values)) }

// merged lays changes over inputs; nil takes one out.
func merged(inputs, changes provider.Values) provider.Values {
	out := provider.Values{}
	for _, layer := range []provider.Values{inputs, changes} {
		for key, value := range layer {
			out[key] = value
			if value == nil {
				delete(out, key)
			}
		}
	}
	return out
}

// refuses checks that unknown, computed and missing properties are named.
func (l lifecycle) refuses(e *engine) {
	_, problems := e.check(l.token, nil, merged(l.inputs, provider.Values{"colour": "red"}))
	wantProblem(e.t, problems, "colour: the laptop cloud does not know this property")
	described := resourceTypes(&clients{})[l.token]
	for key, prop := range described.Props {
		if prop.Required {
			_, problems := e.check(l.token, nil, merged(l.inputs, provider.Values{key: nil}))
			wantProblem(e.t, problems, "missing required property '"+key+"'")
		}
	}
}

func wantProblem(t *testing.T, problems []string, want string) {
	t.Helper()
	if !slices.ContainsFunc(problems, func(problem string) bool { return strings.Contains(problem, want) }) {
		t.Errorf("problems %q, want one that says %q", problems, want)
	}
}

func (l lifecycle) previews(e *engine) {
	previewed := e.previewed(l.token, l.inputs)
	for _, key := range l.unknown {
		if previewed[key] != (provider.Unknown{}) {
			e.t.Errorf("preview of the creation: %s is %v, want unknown", key, previewed[key])
		}
	}
	for key, value := range jsonForm(e, l.inputs) {
		if diff := cmp.Diff(value, previewed[key]); diff != "" {
			e.t.Errorf("preview of the creation: %s: %s", key, diff)
		}
	}
}

// refreshes checks that reading a resource that nobody touched finds no drift, neither in inputs nor in outputs.
func (l lifecycle) refreshes(r *made) {
	t := r.engine.t
	t.Helper()
	id, inputs, outputs := r.refresh()
	if id != r.id {
		t.Errorf("refresh: id %q, want %q", id, r.id)
	}
	if diff := cmp.Diff(r.inputs, inputs); diff != "" {
		t.Errorf("refresh changes inputs: %s", diff)
	}
	if diff := cmp.Diff(r.outputs, outputs); diff != "" {
		t.Errorf("refresh changes outputs: %s", diff)
	}
	if got := r.diff(r.engine.checked(r.token, r.inputs, l.inputs)); got.Changes != pulumirpc.DiffResponse_DIFF_NONE {
		t.Errorf("the same inputs again differ in %v", got.Diffs)
	}
}

// imports checks that an import gives inputs with which the program that made the resource has nothing to change.
func (l lifecycle) imports(r *made) {
	e := r.engine
	e.t.Helper()
	importID := l.importID
	if importID == "" {
		importID = r.id
	}
	for key, value := range r.outputs { // ids that are put together of others
		if text, ok := value.(string); ok {
			importID = strings.ReplaceAll(importID, "{"+key+"}", text)
		}
	}
	id, inputs, outputs := e.read(l.token, importID, nil, nil)
	if id != r.id && (!l.opaqueID || id == "") {
		e.t.Errorf("import by %s: id %q, want %q", importID, id, r.id)
		return
	}
	imported := &made{engine: e, token: l.token, id: id, inputs: inputs, outputs: outputs}
	for _, key := range imported.diff(e.checked(l.token, inputs, l.inputs)).Diffs {
		prop := resourceTypes(&clients{})[l.token].Props[key]
		if !prop.InputOnly && !slices.Contains(l.notImported, key) {
			e.t.Errorf("after an import %s would change from %v to %v", key, inputs[key], l.inputs[key])
		}
	}
}

func (l lifecycle) updates(r *made) {
	e := r.engine
	e.t.Helper()
	wanted := merged(l.inputs, l.update)
	got := r.diff(e.checked(l.token, r.inputs, wanted))
	if got.Changes != pulumirpc.DiffResponse_DIFF_SOME || len(got.Replaces) > 0 {
		e.t.Errorf("update: changes %v, replaces %v, want changes in place", got.Diffs, got.Replaces)
	}
	for _, key := range l.update.Keys() {
		if !slices.Contains(got.Diffs, key) {
			e.t.Errorf("update: no difference in %s, only in %v", key, got.Diffs)
		}
	}
	r.update(wanted)
	after := l
	after.inputs = wanted
	after.refreshes(r)
}

func (l lifecycle) replaces(r *made) {
	e := r.engine
	e.t.Helper()
	for _, change := range l.replace {
		got := r.diff(e.checked(r.token, r.inputs, merged(merged(l.inputs, l.update), change)))
		if len(got.Replaces) == 0 {
			e.t.Errorf("%v replaces nothing; it changes %v", change, got.Diffs)
		}
		for _, key := range got.Replaces {
			if _, changed := change[key]; !changed {
				e.t.Errorf("%v also replaces for %s", change, key)
			}
		}
	}
}

// deletes checks that the resource is gone afterwards, and that deleting it once more is no error.
func (l lifecycle) deletes(r *made) {
	t := r.engine.t
	t.Helper()
	if err := r.tryDelete(t.Context()); err != nil {
		t.Errorf("delete: %v", err)
		return
	}
	if id, _, _ := r.refresh(); (id != "") != l.survives {
		t.Errorf("refresh after deletion: id %q", id)
	}
	if err := r.tryDelete(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("delete again: %v", err)
	}
	r.id = ""
}
