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

// optional returns the string at key, or nil if it is absent, so that the call omits it.
func optional(in provider.Values, key string) *string {
	if text := in.Str(key); text != "" {
		return &text
	}
	return nil
}

// optionalInt returns the number at key, or nil if it is absent, so that the call omits it.
func optionalInt(in provider.Values, key string) *int32 {
	if in.Has(key) {
		return aws.Int32(in.Int32(key))
	}
	return nil
}

// optionalBool returns the boolean at key, or nil if it is absent, so that the call omits it.
func optionalBool(in provider.Values, key string) *bool {
	if in.Has(key) {
		return aws.Bool(in.Bool(key))
	}
	return nil
}

// inherited returns the new inputs of an update and, for these keys, the stored value if the program no longer sets
// one: calls that write a whole resource would reset it.
func inherited(change provider.Change, keys ...string) provider.Values {
	in := maps.Clone(change.New)
	for _, key := range keys {
		if in[key] == nil && change.Old[key] != nil {
			in[key] = change.Old[key]
		}
	}
	return in
}

// without returns the elements of list that are not in taken.
func without(list, taken []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(item string) bool { return slices.Contains(taken, item) })
}
