package providertest

import (
	"reflect"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/local/provider"
)

// SDKType is a resource type as a Pulumi SDK has it: its XxxArgs, which a program may set, and its XxxState, which it
// may read.
type SDKType [2]pulumi.Input

// SDKFunction is a function as a Pulumi SDK has it: its arguments and its result.
type SDKFunction [2]any

// CheckTypes keeps the descriptions of resource types to the names that a program can use.
func CheckTypes(t *testing.T, types map[string]provider.Type, sdk map[string]SDKType) {
	t.Helper()
	for token, described := range types {
		known, ok := sdk[token]
		if !ok {
			t.Errorf("%s is not in the table of SDK types", token)
			continue
		}
		checkProps(t, token, described.Props, known[0].ElementType(), known[1].ElementType())
	}
}

// CheckFunctions does the same for the arguments of functions.
func CheckFunctions(t *testing.T, functions map[string]provider.Function, sdk map[string]SDKFunction) {
	t.Helper()
	for token, described := range functions {
		known, ok := sdk[token]
		if !ok {
			t.Errorf("%s is not in the table of SDK functions", token)
			continue
		}
		args := reflect.TypeOf(known[0])
		checkProps(t, token, described.Args, args, args)
	}
}

// CheckResult finds members of a function's result that the SDK does not read.
func (f SDKFunction) CheckResult(t *testing.T, result provider.Values) {
	t.Helper()
	known := sdkFields(reflect.TypeOf(f[1]))
	for key := range result {
		if _, ok := known[key]; !ok {
			t.Errorf("the SDK has no result %s", key)
		}
	}
}

// checkProps compares a table of properties with the SDK's structs for inputs and for stored properties.
func checkProps(t *testing.T, at string, props map[string]provider.Prop, args, state reflect.Type) {
	t.Helper()
	inputs, outputs := sdkFields(args), sdkFields(state)
	for key, prop := range props {
		path := at + "." + key
		input, settable := inputs[key]
		if prop.Output {
			if _, readable := outputs[key]; !readable {
				t.Errorf("%s: no such output in the SDK", path)
			}
			continue
		}
		if !settable {
			t.Errorf("%s: no such input in the SDK", path)
			continue
		}
		if needed := isScalar(input); needed != (prop.Required && !isMany(input)) {
			t.Errorf("%s: required is %v in the description, %v in the SDK", path, prop.Required, needed)
		}
		if element := structOf(input); element != nil && prop.Fields != nil {
			checkProps(t, path, prop.Fields, element, element)
		}
	}
}

// sdkFields returns the types of a struct's fields by property name.
func sdkFields(of reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range of.NumField() {
		field := of.Field(i)
		out[field.Tag.Get("pulumi")] = field.Type
	}
	return out
}

// isScalar reports whether a field must be set: it is neither a pointer, nor a list or map, which may be empty.
func isScalar(of reflect.Type) bool { return of.Kind() != reflect.Pointer && !isMany(of) }

func isMany(of reflect.Type) bool {
	return of.Kind() == reflect.Slice || of.Kind() == reflect.Map || of.Kind() == reflect.Interface
}

// structOf returns the struct that a field holds, alone or in a list; nil when it holds none.
func structOf(of reflect.Type) reflect.Type {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() == reflect.Struct {
		return of
	}
	return nil
}
