package provider

import (
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// propertyDiff is one changed path, such as "rootBlockDevice.volumeSize".
type propertyDiff struct {
	path    string
	top     string // the top-level property it belongs to
	kind    pulumirpc.PropertyDiff_Kind
	replace bool
}

// diff compares the checked inputs of two runs.
func (t Type) diff(old, news Values) []propertyDiff {
	var diffs []propertyDiff
	for _, key := range unionKeys(old, news) {
		if key == defaultsKey {
			continue
		}
		prop := t.Props[key]
		if prop.Output && key != "tagsAll" {
			continue
		}
		for _, found := range diffValue(key, prop, old[key], news[key]) {
			found.top = key
			diffs = append(diffs, found)
		}
	}
	return diffs
}

func diffValue(path string, prop Prop, old, news any) []propertyDiff {
	if prop.same(old, news) {
		return nil
	}
	if news == nil && prop.Computed {
		return nil
	}
	oldObject, oldOK := old.(Values)
	newObject, newOK := news.(Values)
	if prop.Fields != nil && oldOK && newOK {
		return diffFields(path, prop, oldObject, newObject)
	}
	return []propertyDiff{{path: path, kind: kindOf(old, news), replace: prop.Replace}}
}

func diffFields(path string, prop Prop, old, news Values) []propertyDiff {
	var diffs []propertyDiff
	for _, key := range unionKeys(old, news) {
		field := prop.Fields[key]
		if field.Output {
			continue
		}
		field.Replace = field.Replace || prop.Replace
		diffs = append(diffs, diffValue(join(path, key), field, old[key], news[key])...)
	}
	return diffs
}

// withoutIgnored drops differences that the program wants ignored. The engine replaces them with old values before it
// asks for a diff, but not when it determines what else a replacement replaces.
func withoutIgnored(diffs []propertyDiff, ignored []string) []propertyDiff {
	return slices.DeleteFunc(diffs, func(found propertyDiff) bool {
		return slices.Contains(ignored, found.top) || slices.Contains(ignored, found.path)
	})
}

// markReplaced makes the differences of these top-level properties replace the resource.
func markReplaced(diffs []propertyDiff, properties []string) {
	for i := range diffs {
		if slices.Contains(properties, diffs[i].top) {
			diffs[i].replace = true
		}
	}
}

func kindOf(old, news any) pulumirpc.PropertyDiff_Kind {
	switch {
	case old == nil:
		return pulumirpc.PropertyDiff_ADD
	case news == nil:
		return pulumirpc.PropertyDiff_DELETE
	default:
		return pulumirpc.PropertyDiff_UPDATE
	}
}

// same reports whether two values of this property mean the same.
func (p Prop) same(a, b any) bool {
	if containsUnknown(a) || containsUnknown(b) {
		return false
	}
	if p.Equal != nil && a != nil && b != nil && p.Equal(a, b) {
		return true
	}
	if p.Set {
		a, b = sorted(a), sorted(b)
	}
	return literallyEqual(a, b)
}

// literallyEqual compares values; assets count as equal when their hashes are.
func literallyEqual(a, b any) bool {
	return cmp.Equal(a, b, cmp.Comparer(func(x, y *resource.Asset) bool {
		if x == nil || y == nil {
			return x == y
		}
		return x.Hash != "" && x.Hash == y.Hash
	}))
}

// sorted returns a list in an order that depends only on its content.
func sorted(value any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b any) int { return compareText(canonical(a), canonical(b)) })
	return out
}

func unionKeys(a, b Values) []string {
	return a.overlaid(b).Keys()
}

// response turns the found differences into what the engine wants to know.
func (t Type) response(diffs []propertyDiff, news Values) *pulumirpc.DiffResponse {
	out := &pulumirpc.DiffResponse{
		Changes:         pulumirpc.DiffResponse_DIFF_NONE,
		HasDetailedDiff: true,
		DetailedDiff:    map[string]*pulumirpc.PropertyDiff{},
	}
	for _, found := range diffs {
		out.Changes = pulumirpc.DiffResponse_DIFF_SOME
		if !slices.Contains(out.Diffs, found.top) {
			out.Diffs = append(out.Diffs, found.top)
		}
		kind := found.kind
		if found.replace {
			kind++ // each kind is followed by its replacing twin
			if !slices.Contains(out.Replaces, found.top) {
				out.Replaces = append(out.Replaces, found.top)
			}
		}
		out.DetailedDiff[found.path] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
	}
	for key, prop := range t.Props {
		if prop.Replace && !slices.Contains(out.Replaces, key) {
			out.Stables = append(out.Stables, key)
		}
	}
	slices.Sort(out.Stables)
	explicitName := t.Name != nil && news[t.Name.Prop] != nil && !isDefaulted(news, t.Name.Prop)
	out.DeleteBeforeReplace = len(out.Replaces) > 0 && (t.DeleteBeforeReplace || explicitName)
	return out
}
