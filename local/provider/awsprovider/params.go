package awsprovider

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// ec2Filters makes filters of name, value pairs.
func ec2Filters(pairs ...string) []types.Filter {
	var out []types.Filter
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, types.Filter{Name: aws.String(pairs[i]), Values: []string{pairs[i+1]}})
	}
	return out
}

// optional is the string at key, or nil when it is absent, so that the call leaves it out.
func optional(in provider.Values, key string) *string {
	if text := in.Str(key); text != "" {
		return &text
	}
	return nil
}

// optionalInt is the number at key, or nil when it is absent, so that the call leaves it out.
func optionalInt(in provider.Values, key string) *int32 {
	if in.Has(key) {
		return aws.Int32(in.Int32(key))
	}
	return nil
}

// optionalBool is the boolean at key, or nil when it is absent, so that the call leaves it out.
func optionalBool(in provider.Values, key string) *bool {
	if in.Has(key) {
		return aws.Bool(in.Bool(key))
	}
	return nil
}

// inherited are the new inputs of an update and, for these keys, what is stored where the program sets nothing any
// more: calls that write a resource whole would reset it.
func inherited(change provider.Change, keys ...string) provider.Values {
	in := maps.Clone(change.New)
	for _, key := range keys {
		if in[key] == nil && change.Old[key] != nil {
			in[key] = change.Old[key]
		}
	}
	return in
}

// without is what of list does not stand in taken.
func without(list, taken []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(item string) bool { return slices.Contains(taken, item) })
}
