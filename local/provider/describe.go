package provider

import (
	"context"
	"errors"
	"slices"
)

// ErrGone is what a type's Read returns, wrapped or not, if the resource no longer exists.
var ErrGone = errors.New("the resource does not exist")

// Package is one provider: its configuration, and how to configure it.
type Package struct {
	// Name is the package name of Pulumi, such as "aws".
	Name string
	// Version is the version of the SDK of the replaced provider, such as "6.83.4"; the engine compares it with the
	// program's.
	Version string
	// Config describes the provider's configuration.
	Config map[string]Prop
	// Configure makes the resource types and functions for one configured provider.
	Configure func(ctx context.Context, config Values) (*Instance, error)
}

// Instance is a configured provider.
type Instance struct {
	Types     map[string]Type     // by type token
	Functions map[string]Function // by function token
	// DefaultTags go onto every resource whose type has a property "tags"; the resource's own tags win.
	DefaultTags map[string]string
}

// Function is an invoke: it reads something and changes nothing.
type Function struct {
	Args map[string]Prop
	Call func(ctx context.Context, args Values) (Values, error)
}

// Type describes one resource type.
type Type struct {
	// Props are all properties, inputs and outputs. Other properties are rejected.
	Props map[string]Prop
	// Name says which property gets a generated value if the program omits it; nil for none.
	Name *AutoName
	// DeleteBeforeReplace makes every replacement delete the old resource first.
	DeleteBeforeReplace bool
	// ExactlyOneOf lists groups of inputs of which one, and only one, must be set.
	ExactlyOneOf [][]string
	// Validate finds problems that Prop.Check cannot see; it runs in Check, before any call to the API. Values may
	// be Unknown. Nil for none.
	Validate func(in Values) []string
	// Create creates the resource and returns its id. If it fails after the resource exists, it returns both the id and
	// the error; the engine then keeps the resource and tries an update next time.
	Create func(ctx context.Context, in Values) (id string, err error)
	// Read returns all properties it can see, or ErrGone. known holds what the engine knows: the stored properties
	// at a refresh, the inputs right after Create and Update, nothing at an import.
	Read func(ctx context.Context, id string, known Values) (Values, error)
	// Update brings the resource from the old stored properties to the new inputs. Nil when every change replaces.
	Update func(ctx context.Context, change Change) error
	// Delete removes the resource. It is not an error if the resource is already gone (unless the real provider says so).
	Delete func(ctx context.Context, id string, state Values) error
	// Import turns the id in a program's import into the resource's own, and returns what else Read needs to know. ErrGone
	// means that there is no such resource. Nil if the two ids are the same.
	Import func(ctx context.Context, id string) (ownID string, known Values, err error)
	// Replaces names the inputs, besides those marked Replace, whose change from the old checked inputs to the new
	// ones replaces the resource. Values may be Unknown. Nil for none.
	Replaces func(ctx context.Context, old, news Values) []string
	// Recomputed names the outputs that a preview must show as unknown when these properties change. Nil for none.
	Recomputed func(changed func(keys ...string) bool) []string
}

// Change describes an update.
type Change struct {
	ID string
	// Old are the stored properties, inputs and outputs; New are the checked inputs.
	Old, New  Values
	oldInputs Values
	changed   map[string]bool
	all       bool // an earlier creation failed half way
}

// Changed reports whether any of these inputs differs between old and new.
func (c Change) Changed(keys ...string) bool {
	return c.all || slices.ContainsFunc(keys, func(key string) bool { return c.changed[key] })
}

// Prop describes one property. The zero value is an optional input that is changed in place.
type Prop struct {
	Required bool
	// Output marks a property that only the provider sets.
	Output bool
	// Computed marks an optional input that the provider fills in if the program omits it. Removing it from the program is
	// not a change.
	Computed bool
	// Replace makes a change replace the resource.
	Replace bool
	// Default is put into the checked inputs if the program omits the property.
	Default any
	// Secret marks the stored value as secret whatever the program says.
	Secret bool
	// InputOnly marks an input that the API never returns unchanged, so it never drifts. Stored is what Read returns for
	// it, or the input if Read returns nothing.
	InputOnly bool
	// Parsed marks a provider setting that the engine sends as JSON text: everything but strings.
	Parsed bool
	// Set marks a list whose order does not matter.
	Set bool
	// Equal decides whether two values mean the same; nil compares them literally.
	Equal func(a, b any) bool
	// Check returns what is wrong with a known value, or "".
	Check func(value any) string
	// Fields describes the members of an object, or of each object in a list; nil permits any content.
	Fields map[string]Prop
}

// AutoName is the rule for a generated name: the resource's Pulumi name, a dash, and seven hexadecimal digits.
type AutoName struct {
	Prop string
	// Max is the longest name in characters.
	Max int
	// Lower turns the name to lower case.
	Lower bool
	// Prefix is put before the generated name, such as "alias/".
	Prefix string
	// NoSeparator omits the dash.
	NoSeparator bool
	// NoSuffix omits the dash and the digits.
	NoSuffix bool
}

// With joins property tables into one.
func With(tables ...map[string]Prop) map[string]Prop {
	out := map[string]Prop{}
	for _, table := range tables {
		for key, prop := range table {
			out[key] = prop
		}
	}
	return out
}
