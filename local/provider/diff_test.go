package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	const (
		list   = `{"Version":"1","Statement":[{"Effect":"Allow","Action":["b","a"],"Resource":"*"}]}`
		single = `{"Statement":{"Effect":"allow","Resource":["*"],"Action":["a","b"]},"Version":"1"}`
	)
	for _, test := range []struct {
		name      string
		old, news Values
		changed   map[string]pulumirpc.PropertyDiff_Kind
		replaces  []string
		deletes   bool
	}{
		{name: "nothing", old: good(), news: good()},
		{name: "changed in place", old: Values{"color": "red"}, news: Values{"color": "blue"},
			changed: map[string]pulumirpc.PropertyDiff_Kind{"color": pulumirpc.PropertyDiff_UPDATE}},
		{name: "added and removed", old: Values{"content": "x"}, news: Values{"source": "y"},
			changed: map[string]pulumirpc.PropertyDiff_Kind{
				"content": pulumirpc.PropertyDiff_DELETE, "source": pulumirpc.PropertyDiff_ADD}},
		{name: "replaced", old: Values{"size": 1.0}, news: Values{"size": 2.0},
			changed:  map[string]pulumirpc.PropertyDiff_Kind{"size": pulumirpc.PropertyDiff_UPDATE_REPLACE},
			replaces: []string{"size"}},
		{name: "replaced with a name of its own", old: Values{"size": 1.0, "name": "n"}, news: Values{"size": 2.0, "name": "n"},
			changed:  map[string]pulumirpc.PropertyDiff_Kind{"size": pulumirpc.PropertyDiff_UPDATE_REPLACE},
			replaces: []string{"size"}, deletes: true},
		{name: "replaced with a generated name",
			old:      Values{"size": 1.0, "name": "n", defaultsKey: []any{"name"}},
			news:     Values{"size": 2.0, "name": "n", defaultsKey: []any{"name"}},
			changed:  map[string]pulumirpc.PropertyDiff_Kind{"size": pulumirpc.PropertyDiff_UPDATE_REPLACE},
			replaces: []string{"size"}},
		{name: "unknown", old: Values{"size": 1.0}, news: Values{"size": Unknown{}},
			changed:  map[string]pulumirpc.PropertyDiff_Kind{"size": pulumirpc.PropertyDiff_UPDATE_REPLACE},
			replaces: []string{"size"}},
		{name: "set in another order", old: Values{"labels": []any{"a", "b"}}, news: Values{"labels": []any{"b", "a"}}},
		{name: "policy in other words", old: Values{"policy": list}, news: Values{"policy": single}},
		{name: "computed no longer given", old: Values{"zone": "a"}, news: Values{}},
		{name: "nested", old: Values{"lid": Values{"locked": true, "colour": "red"}},
			news: Values{"lid": Values{"locked": true, "colour": "blue"}},
			changed: map[string]pulumirpc.PropertyDiff_Kind{
				"lid.colour": pulumirpc.PropertyDiff_UPDATE}},
		{name: "nested and replacing", old: Values{"lid": Values{"locked": true}}, news: Values{"lid": Values{"locked": false}},
			changed:  map[string]pulumirpc.PropertyDiff_Kind{"lid.locked": pulumirpc.PropertyDiff_UPDATE_REPLACE},
			replaces: []string{"lid"}},
		{name: "tags", old: Values{"tagsAll": Values{}}, news: Values{"tagsAll": Values{"a": "b"}},
			changed: map[string]pulumirpc.PropertyDiff_Kind{"tagsAll": pulumirpc.PropertyDiff_UPDATE}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := box().response(box().diff(test.old, test.news), test.news)
			changed := map[string]pulumirpc.PropertyDiff_Kind{}
			for path, found := range got.DetailedDiff {
				changed[path] = found.Kind
			}
			if test.changed == nil {
				test.changed = map[string]pulumirpc.PropertyDiff_Kind{}
			}
			if diff := cmp.Diff(test.changed, changed); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.replaces, got.Replaces); diff != "" {
				t.Error(diff)
			}
			if got.DeleteBeforeReplace != test.deletes {
				t.Errorf("delete before replace is %v", got.DeleteBeforeReplace)
			}
			some := got.Changes == pulumirpc.DiffResponse_DIFF_SOME
			if some != (len(test.changed) > 0) {
				t.Errorf("changes: %v", got.Changes)
			}
		})
	}
}

func TestSamePolicyTellsMeaningsApart(t *testing.T) {
	t.Parallel()
	const base = `{"Version":"1","Statement":[{"Effect":"Allow","Action":"a","Resource":"r","Principal":"*"}]}`
	for _, other := range []string{
		`{"Version":"2","Statement":[{"Effect":"Allow","Action":"a","Resource":"r","Principal":"*"}]}`,
		`{"Version":"1","Statement":[{"Effect":"Deny","Action":"a","Resource":"r","Principal":"*"}]}`,
		`{"Version":"1","Statement":[{"Effect":"Allow","Action":"A","Resource":"r","Principal":"*"}]}`,
		`{"Version":"1","Statement":[{"Effect":"Allow","Action":"a","Resource":"r","Principal":{"AWS":"*"}}]}`,
		`not JSON`,
	} {
		if SamePolicy(base, other) {
			t.Errorf("counted as the same: %s", other)
		}
	}
	if !SamePolicy(
		`{"Statement":[{"Condition":{"Bool":{"k":true}}}]}`,
		`{"Statement":[{"Condition":{"Bool":{"k":"true"}}}]}`) {
		t.Error("true and \"true\" count as different")
	}
}
