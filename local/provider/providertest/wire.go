package providertest

import (
	"encoding/json"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"webstack/local/provider"
)

// Encode turns plain values into the form that the engine sends.
func (e *Engine) Encode(values provider.Values) *structpb.Struct {
	e.T.Helper()
	if values == nil {
		return nil
	}
	text, err := json.Marshal(wireForm(values))
	if err != nil {
		e.T.Fatal(err)
	}
	out := &structpb.Struct{}
	if err := protojson.Unmarshal(text, out); err != nil {
		e.T.Fatal(err)
	}
	return out
}

// wireForm returns the value with the engine's mark wherever it is unknown.
func wireForm(value any) any {
	switch value := value.(type) {
	case provider.Unknown:
		return plugin.UnknownStringValue
	case provider.Values:
		out := provider.Values{}
		for key, item := range value {
			out[key] = wireForm(item)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = wireForm(item)
		}
		return out
	default:
		return value
	}
}

// Decode is the inverse of Encode; secrets are unwrapped.
func (e *Engine) Decode(properties *structpb.Struct) provider.Values {
	if properties == nil {
		return nil
	}
	return plain(properties.AsMap()).(provider.Values)
}

func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if value[resource.SigKey] == resource.SecretSig {
			return plain(value["value"])
		}
		out := provider.Values{}
		for key, item := range value {
			out[key] = plain(item)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = plain(item)
		}
		return out
	case string:
		if value == plugin.UnknownStringValue {
			return provider.Unknown{}
		}
	}
	return value
}

// secrets returns the properties that are marked secret, sorted.
func secrets(properties *structpb.Struct) []string {
	out := []string{}
	for key, value := range properties.GetFields() {
		if value.GetStructValue().GetFields()[resource.SigKey].GetStringValue() == resource.SecretSig {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// jsonForm gives values the form that they have after a way over the wire.
func jsonForm(e *Engine, values provider.Values) provider.Values { return e.Decode(e.Encode(values)) }

// Merged lays changes over inputs; nil takes one out.
func Merged(inputs, changes provider.Values) provider.Values {
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
