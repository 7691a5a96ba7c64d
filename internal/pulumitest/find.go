package pulumitest

import (
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// ByType returns the resources of one type, sorted by name.
func (r *Recorder) ByType(token string) []Resource {
	return slices.DeleteFunc(r.All(), func(found Resource) bool { return found.Type != token })
}

// One returns the only resource of a type whose name is name; it fails the test when there is none, or more.
func (r *Recorder) One(tb testing.TB, token, name string) Resource {
	tb.Helper()
	found := slices.DeleteFunc(r.ByType(token), func(f Resource) bool { return f.Name != name })
	if len(found) != 1 {
		tb.Fatalf("%d resources %s named %s, want 1; there are %v", len(found), token, name, names(r.ByType(token)))
	}
	return found[0]
}

// Count fails the test unless there are want resources of the type.
func (r *Recorder) Count(tb testing.TB, token string, want int) {
	tb.Helper()
	if found := r.ByType(token); len(found) != want {
		tb.Errorf("%d resources %s, want %d: %v", len(found), token, want, names(found))
	}
}

// Calls returns the recorded invokes in the order they came.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// Types returns every type of a custom resource that was registered, sorted.
func (r *Recorder) Types() []string {
	var out []string
	for _, found := range r.All() {
		if found.Custom {
			out = append(out, found.Type)
		}
	}
	return slices.Compact(out)
}

func names(resources []Resource) []string {
	var out []string
	for _, found := range resources {
		out = append(out, found.Name)
	}
	return out
}

// Input returns an input of the resource, with any secret mark taken off; a null when it is not set.
func (r Resource) Input(path ...string) resource.PropertyValue {
	value := resource.NewProperty(r.Inputs)
	for _, key := range path {
		value = plain(value)
		if !value.IsObject() {
			return resource.NewNullProperty()
		}
		value = value.ObjectValue()[resource.PropertyKey(key)]
	}
	return plain(value)
}

// Text is Input for strings; "" when it is not set or not known.
func (r Resource) Text(path ...string) string {
	if value := r.Input(path...); value.IsString() {
		return value.StringValue()
	}
	return ""
}

// IsUnknown tells whether the input is set to what only the API knows, as in previews.
func (r Resource) IsUnknown(path ...string) bool { return r.Input(path...).IsComputed() }

// IsSecret tells whether the input is marked secret.
func (r Resource) IsSecret(key string) bool {
	value := r.Inputs[resource.PropertyKey(key)]
	return value.IsSecret() || value.IsOutput() && value.OutputValue().Secret
}

func plain(value resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case value.IsSecret():
			value = value.SecretValue().Element
		case value.IsOutput() && value.OutputValue().Known:
			value = value.OutputValue().Element
		default:
			return value
		}
	}
}
