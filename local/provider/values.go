package provider

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Values are the properties of one resource, function call or nested object, as plain Go values: string,
// float64, bool, []any, Values, *resource.Asset, and Unknown for what a preview does not know yet.
type Values map[string]any

// Unknown stands for a value that is not known before the resource it comes from exists.
type Unknown struct{}

// Str returns the string at key, or "" if it is absent or not a string.
func (v Values) Str(key string) string { s, _ := v[key].(string); return s }

// Int returns the number at key as an int, or 0 if it is absent or not a number.
func (v Values) Int(key string) int { f, _ := v[key].(float64); return int(f) }

// Int32 returns the number at key as an int32, the AWS SDK's usual integer, or 0.
func (v Values) Int32(key string) int32 { return int32(v.Int(key)) }

// Bool returns the boolean at key, or false if it is absent or not a boolean.
func (v Values) Bool(key string) bool { b, _ := v[key].(bool); return b }

// Has reports whether key is set to a known value.
func (v Values) Has(key string) bool {
	value, ok := v[key]
	return ok && value != nil && !containsUnknown(value)
}

// Object returns the nested object at key, or nil.
func (v Values) Object(key string) Values { o, _ := v[key].(Values); return o }

// List returns the list at key, or nil.
func (v Values) List(key string) []any { l, _ := v[key].([]any); return l }

// Strs returns the strings in the list at key, without other elements.
func (v Values) Strs(key string) []string {
	var out []string
	for _, item := range v.List(key) {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Objects returns the objects in the list at key, without other elements.
func (v Values) Objects(key string) []Values {
	var out []Values
	for _, item := range v.List(key) {
		if o, ok := item.(Values); ok {
			out = append(out, o)
		}
	}
	return out
}

// StrMap returns the string values of the object at key.
func (v Values) StrMap(key string) map[string]string {
	out := map[string]string{}
	for k, item := range v.Object(key) {
		if s, ok := item.(string); ok {
			out[k] = s
		}
	}
	return out
}

// Asset returns the asset at key, or nil.
func (v Values) Asset(key string) *resource.Asset { a, _ := v[key].(*resource.Asset); return a }

// Keys returns the keys in order.
func (v Values) Keys() []string { return slices.Sorted(maps.Keys(v)) }

func (v Values) clone() Values {
	out := Values{}
	maps.Copy(out, v)
	return out
}

func containsUnknown(value any) bool {
	switch value := value.(type) {
	case Unknown:
		return true
	case []any:
		return slices.ContainsFunc(value, containsUnknown)
	case Values:
		for _, item := range value {
			if containsUnknown(item) {
				return true
			}
		}
	}
	return false
}

// fromProperties turns the engine's property map into plain values. Secrets are unwrapped: the engine marks
// outputs of the same name secret again.
func fromProperties(props resource.PropertyMap) (Values, error) {
	out := Values{}
	for key, value := range props {
		plain, err := fromProperty(value)
		if err != nil {
			return nil, fmt.Errorf("read property %s: %w", key, err)
		}
		if plain != nil {
			out[string(key)] = plain
		}
	}
	return out, nil
}

func fromProperty(value resource.PropertyValue) (any, error) {
	switch {
	case value.IsNull():
		return nil, nil
	case value.IsSecret():
		return fromProperty(value.SecretValue().Element)
	case value.IsComputed():
		return Unknown{}, nil
	case value.IsOutput():
		if !value.OutputValue().Known {
			return Unknown{}, nil
		}
		return fromProperty(value.OutputValue().Element)
	case value.IsBool():
		return value.BoolValue(), nil
	case value.IsNumber():
		return value.NumberValue(), nil
	case value.IsString():
		return value.StringValue(), nil
	case value.IsAsset():
		return value.AssetValue(), nil
	case value.IsObject():
		return fromProperties(value.ObjectValue())
	case value.IsArray():
		out := make([]any, 0, len(value.ArrayValue()))
		for _, item := range value.ArrayValue() {
			plain, err := fromProperty(item)
			if err != nil {
				return nil, err
			}
			out = append(out, plain)
		}
		return out, nil
	default:
		return nil, fmt.Errorf("a value of kind %s is not supported", value.TypeString())
	}
}

// toProperties is the inverse of fromProperties; properties for which secret answers true are wrapped as secrets.
func toProperties(values Values, secret func(key string) bool) resource.PropertyMap {
	out := resource.PropertyMap{}
	for key, value := range values {
		property := toProperty(value)
		if secret != nil && secret(key) && !property.IsNull() {
			property = resource.MakeSecret(property)
		}
		out[resource.PropertyKey(key)] = property
	}
	return out
}

func toProperty(value any) resource.PropertyValue {
	switch value := value.(type) {
	case Unknown:
		return resource.MakeComputed(resource.NewProperty(""))
	case Values:
		return resource.NewProperty(toProperties(value, nil))
	case []any:
		items := make([]resource.PropertyValue, len(value))
		for i, item := range value {
			items[i] = toProperty(item)
		}
		return resource.NewProperty(items)
	default:
		return resource.NewPropertyValue(value)
	}
}

// normalise brings the Go values a type's code finds handy (pointers as the AWS SDK has them, integers, string
// lists and maps, lists of Values) into the few shapes that Values allow. Nil pointers and nil lists vanish.
func normalise(values Values) Values {
	out := Values{}
	for key, value := range values {
		if plain := normaliseValue(value); plain != nil {
			out[key] = plain
		}
	}
	return out
}

func normaliseValue(value any) any {
	switch value := value.(type) {
	case nil:
		return nil
	case Unknown, *resource.Asset:
		return value
	case Values:
		if value == nil {
			return nil
		}
		return normalise(value)
	}
	reflected := reflect.ValueOf(value)
	switch reflected.Kind() {
	case reflect.Pointer:
		if reflected.IsNil() {
			return nil
		}
		return normaliseValue(reflected.Elem().Interface())
	case reflect.Bool:
		return reflected.Bool()
	case reflect.String:
		return reflected.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(reflected.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return float64(reflected.Uint())
	case reflect.Float32, reflect.Float64:
		return reflected.Float()
	case reflect.Slice:
		return normaliseList(reflected)
	case reflect.Map:
		return normaliseMap(reflected)
	default:
		panic(fmt.Sprintf("provider: a property value of type %T is not supported", value))
	}
}

func normaliseList(list reflect.Value) any {
	if list.IsNil() {
		return nil
	}
	out := make([]any, 0, list.Len())
	for i := range list.Len() {
		out = append(out, normaliseValue(list.Index(i).Interface()))
	}
	return out
}

func normaliseMap(m reflect.Value) any {
	if m.IsNil() {
		return nil
	}
	out := Values{}
	for _, key := range m.MapKeys() {
		if plain := normaliseValue(m.MapIndex(key).Interface()); plain != nil {
			out[key.String()] = plain
		}
	}
	return out
}
