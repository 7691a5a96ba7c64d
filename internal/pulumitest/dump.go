package pulumitest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// Dump renders all registrations as JSON that depends only on what was asked for: sorted, with secrets, unknowns and
// assets as marks, and URNs cut to type and name.
func (r *Recorder) Dump(tb testing.TB) []byte {
	tb.Helper()
	var list []any
	for _, found := range r.All() {
		list = append(list, found.describe())
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(list); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// describe is a registration less what is empty.
func (r Resource) describe() map[string]any {
	request := r.Request
	all := map[string]any{
		"type": r.Type, "name": r.Name,
		"parent": short(request.GetParent()), "provider": shortProvider(request.GetProvider()),
		"protect": request.GetProtect(), "retainOnDelete": request.GetRetainOnDelete(),
		"deleteBeforeReplace": request.GetDeleteBeforeReplace(), "ignoreChanges": request.GetIgnoreChanges(),
		"replaceOnChanges": request.GetReplaceOnChanges(), "aliases": r.Aliases(),
		"replacementTrigger": describeTrigger(request.GetReplacementTrigger().GetStringValue()),
		"dependsOn":          shorts(request.GetDependencies()), "additionalSecretOutputs": request.GetAdditionalSecretOutputs(),
		"inputs": describeValue(resource.NewProperty(r.Inputs)),
	}
	maps.DeleteFunc(all, func(_ string, value any) bool {
		switch value := value.(type) {
		case string:
			return value == ""
		case bool:
			return !value
		case []string:
			return len(value) == 0
		case map[string]any:
			return len(value) == 0
		}
		return false
	})
	return all
}

// Aliases are the names that the resource may have had.
func (r Resource) Aliases() []string {
	names := slices.Clone(r.Request.GetAliasURNs())
	for _, alias := range r.Request.GetAliases() {
		names = append(names, alias.GetSpec().GetName())
	}
	return names
}

func describeTrigger(value string) string {
	if value == plugin.UnknownStringValue {
		return "[unknown]"
	}
	return value
}

func describeValue(value resource.PropertyValue) any {
	switch {
	case value.IsSecret():
		return "[secret]"
	case value.IsOutput():
		output := value.OutputValue()
		if output.Secret {
			return "[secret]"
		}
		if !output.Known {
			return "[unknown]"
		}
		return describeValue(output.Element)
	case value.IsComputed():
		return "[unknown]"
	case value.IsAsset():
		return describeAsset(value.AssetValue())
	case value.IsObject():
		out := map[string]any{}
		for key, member := range value.ObjectValue() {
			out[string(key)] = describeValue(member)
		}
		return out
	case value.IsArray():
		out := []any{}
		for _, item := range value.ArrayValue() {
			out = append(out, describeValue(item))
		}
		return out
	case value.IsString():
		return readable(value.StringValue())
	default:
		return value.V
	}
}

// describeAsset tells an asset by its content; where its file lies says nothing.
func describeAsset(asset *resource.Asset) string {
	if err := asset.EnsureHash(); err != nil {
		return "[asset: " + err.Error() + "]"
	}
	return "[asset sha256:" + asset.Hash + "]"
}

// readable shows JSON documents as JSON and long texts as lines, so that a change of one line is one line.
func readable(text string) any {
	var document any
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &document) == nil {
		return document
	}
	if strings.Count(text, "\n") > 1 {
		return strings.Split(text, "\n")
	}
	return text
}

// short cuts a URN to its own type and name.
func short(urn string) string {
	if urn == "" {
		return ""
	}
	parsed := resource.URN(urn)
	return string(parsed.Type()) + "::" + parsed.Name()
}

func shorts(urns []string) []string {
	var out []string
	for _, urn := range urns {
		out = append(out, short(urn))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shortProvider cuts a provider reference, "<urn>::<id>", to the provider's type and name.
func shortProvider(reference string) string {
	end := strings.LastIndex(reference, "::")
	if end < 0 {
		return reference
	}
	return short(reference[:end])
}
