package awsprovider

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"webstack/local/provider"
)

// checkCIDR4 reports a value that is not an IPv4 network address with its mask.
func checkCIDR4(value any) string {
	if prefix, ok := network(value); !ok || !prefix.Addr().Is4() {
		return fmt.Sprintf("%q is not an IPv4 CIDR block; give the network's own address, such as 10.0.0.0/16", value)
	}
	return ""
}

// checkCIDR6 reports a value that is not an IPv6 network address with its mask.
func checkCIDR6(value any) string {
	if prefix, ok := network(value); !ok || !prefix.Addr().Is6() {
		return fmt.Sprintf("%q is not an IPv6 CIDR block; give the network's own address, such as 2001:db8::/32", value)
	}
	return ""
}

// network parses a CIDR block whose address is the network's own.
func network(value any) (netip.Prefix, bool) {
	text, _ := value.(string)
	prefix, err := netip.ParsePrefix(text)
	return prefix, err == nil && prefix == prefix.Masked()
}

// sameCIDR reports whether two CIDR blocks are the same, whatever their spelling.
func sameCIDR(a, b any) bool {
	left, okA := network(a)
	right, okB := network(b)
	return okA && okB && left == right
}

// checkOneOf permits only these strings.
func checkOneOf(allowed ...string) func(any) string {
	return func(value any) string {
		if text, ok := value.(string); ok && slices.Contains(allowed, text) {
			return ""
		}
		return fmt.Sprintf("%q is not one of %s", value, strings.Join(allowed, ", "))
	}
}

// checkEnum permits the values of one of the SDK's enumerations.
func checkEnum[T ~string](values []T) func(any) string {
	allowed := make([]string, len(values))
	for i, value := range values {
		allowed[i] = string(value)
	}
	return checkOneOf(allowed...)
}

// checkRange permits whole numbers from least to most.
func checkRange(least, most int) func(any) string {
	return func(value any) string {
		if n, ok := value.(float64); ok && n == float64(int(n)) && int(n) >= least && int(n) <= most {
			return ""
		}
		return fmt.Sprintf("%v is not a whole number from %d to %d", value, least, most)
	}
}

// checkLength permits strings of up to most characters.
func checkLength(most int) func(any) string {
	return func(value any) string {
		text, ok := value.(string)
		if ok && utf8.RuneCountInString(text) <= most {
			return ""
		}
		return fmt.Sprintf("must be a string of up to %d characters", most)
	}
}

// checkPattern permits strings that match the whole pattern; rule describes it in words.
func checkPattern(pattern, rule string) func(any) string {
	compiled := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(value any) string {
		if text, ok := value.(string); ok && compiled.MatchString(text) {
			return ""
		}
		return fmt.Sprintf("%q is not permitted: %s", value, rule)
	}
}

// checkARN permits Amazon resource names.
var checkARN = checkPattern(`arn:[^:]+:[^:]+:[^:]*:[^:]*:.+`, "must be an ARN")

// checkJSON permits JSON text.
func checkJSON(value any) string {
	if text, ok := value.(string); ok && json.Valid([]byte(text)) {
		return ""
	}
	return "must be JSON text"
}

// checkPolicy permits policy documents: JSON objects with no space before them.
func checkPolicy(value any) string {
	if text, _ := value.(string); !strings.HasPrefix(text, "{") {
		return "must be a JSON object, and begin with {"
	}
	return checkJSON(value)
}

// checkAll returns the first problem that one of the checks reports.
func checkAll(checks ...func(any) string) func(any) string {
	return func(value any) string {
		for _, check := range checks {
			if problem := check(value); problem != "" {
				return problem
			}
		}
		return ""
	}
}

// conflicts reports inputs that exclude each other but are both set.
func conflicts(in provider.Values, keys ...string) []string {
	var set []string
	for _, key := range keys {
		if in[key] != nil {
			set = append(set, key)
		}
	}
	if len(set) < 2 {
		return nil
	}
	return []string{fmt.Sprintf("set only one of %s", strings.Join(set, ", "))}
}

// oneNeeded reports a problem if none of these inputs is set.
func oneNeeded(in provider.Values, keys ...string) []string {
	for _, key := range keys {
		if in[key] != nil {
			return nil
		}
	}
	return []string{fmt.Sprintf("set at least one of %s", strings.Join(keys, ", "))}
}

// checkEach applies check to every element of a list.
func checkEach(check func(any) string) func(any) string {
	return func(value any) string {
		list, _ := value.([]any)
		for _, item := range list {
			if problem := check(item); problem != "" {
				return problem
			}
		}
		return ""
	}
}
