package provider

import (
	"encoding/json"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// canonical renders a value as text that depends only on its content; encoding/json sorts object keys.
func canonical(value any) string {
	if asset, ok := value.(*resource.Asset); ok {
		return "asset " + asset.Hash
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic("provider: a property value cannot be rendered: " + err.Error())
	}
	return string(text)
}

func compareText(a, b string) int { return strings.Compare(a, b) }

// SamePolicy reports whether two IAM policy documents mean the same: statements in any order, a single value and a list
// of one alike, lists of actions, resources, principals and condition values in any order.
func SamePolicy(a, b any) bool {
	left, okA := parseJSON(a)
	right, okB := parseJSON(b)
	return okA && okB && canonical(policyForm("", left)) == canonical(policyForm("", right))
}

func parseJSON(value any) (any, bool) {
	text, ok := value.(string)
	if !ok {
		return nil, false
	}
	var out any
	return out, json.Unmarshal([]byte(text), &out) == nil
}

// policyForm brings a parsed policy into one form: every value that may be a list is a sorted list.
func policyForm(key string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, item := range value {
			out[k] = policyForm(k, item)
		}
		if key == "Statement" {
			return []any{out}
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = policyForm("", item)
		}
		return sorted(out)
	case string:
		switch key {
		case "Version", "Id", "Sid", "":
			return value
		case "Effect":
			return strings.ToLower(value)
		case "Principal", "NotPrincipal":
			return value // "*" is not the same as {"AWS": "*"}
		}
		return []any{value}
	case bool, float64:
		return policyForm(key, canonical(value)) // a condition's true and "true" are the same
	default:
		return value
	}
}
