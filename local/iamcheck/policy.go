package iamcheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Policy is a parsed policy document.
type Policy struct{ statements []statement }

type statement struct {
	deny                   bool
	actions, notActions    []string
	resources, notResource []string
	principals             map[string][]string // kind to names; nil in policies of identities
	conditions             []condition
}

// Request is what a caller wants to do.
type Request struct {
	// Action is IAM's name of it, such as "s3:GetObject".
	Action string
	// Resource is an ARN, or "*" for actions without one. Trust policies are asked without any, "".
	Resource string
	// Principals are the names of the caller, by kind, such as {"Service": {"ec2.amazonaws.com"}}. Only statements with a
	// Principal use them.
	Principals map[string][]string
	// Context are the values of condition keys. Keys are case-insensitive.
	Context map[string][]string
}

// Decision is what policies say about a request.
type Decision int

const (
	// ImplicitDeny says that no statement allows the request.
	ImplicitDeny Decision = iota
	// ExplicitDeny says that a statement denies it.
	ExplicitDeny
	// Allow says that a statement allows it, and none denies it.
	Allow
)

// Evaluate decides on the request by all policies together.
func Evaluate(policies []Policy, r Request) Decision {
	decision := ImplicitDeny
	for _, p := range policies {
		for _, s := range p.statements {
			if !s.applies(r) {
				continue
			}
			if s.deny {
				return ExplicitDeny
			}
			decision = Allow
		}
	}
	return decision
}

func (s statement) applies(r Request) bool {
	switch {
	case s.actions != nil && !anyMatch(s.actions, r.Action, actionMatches),
		s.notActions != nil && anyMatch(s.notActions, r.Action, actionMatches),
		s.resources != nil && !anyMatch(s.resources, r.Resource, resourceMatches),
		s.notResource != nil && anyMatch(s.notResource, r.Resource, resourceMatches),
		s.principals != nil && !s.names(r.Principals):
		return false
	}
	return !slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(r.Context) })
}

// names reports whether the statement applies to one of the principals.
func (s statement) names(principals map[string][]string) bool {
	if slices.Contains(s.principals["AWS"], "*") {
		return true
	}
	for kind, names := range principals {
		for _, name := range names {
			if slices.Contains(s.principals[kind], name) {
				return true
			}
		}
	}
	return false
}

func anyMatch(patterns []string, value string, matches func(pattern, value string) bool) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, value) })
}

func actionMatches(pattern, action string) bool {
	return Match(strings.ToLower(pattern), strings.ToLower(action))
}

// arnParts is how many parts an ARN has; the last one may have colons of its own.
const arnParts = 6

// resourceMatches compares ARNs part by part: a wildcard stays within the part that it is in.
func resourceMatches(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	wanted, got := strings.SplitN(pattern, ":", arnParts), strings.SplitN(arn, ":", arnParts)
	if len(wanted) != len(got) {
		return false
	}
	for i := range wanted {
		if !Match(wanted[i], got[i]) {
			return false
		}
	}
	return true
}

// Match reports whether the pattern, in which * stands for any text and ? for one character, matches the whole text.
func Match(pattern, text string) bool {
	star, next := -1, 0 // where the last * was, and what it could take next
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, next = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			next++
			p, t = star+1, next
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// list is a string or a list of them, as policies have both.
type list []string

// UnmarshalJSON accepts both forms, and true and false as strings, as conditions have them.
func (l *list) UnmarshalJSON(data []byte) error {
	var many []any
	if err := json.Unmarshal(data, &many); err != nil {
		many = []any{nil}
		if err := json.Unmarshal(data, &many[0]); err != nil {
			return err
		}
	}
	*l = list{}
	for _, value := range many {
		switch value.(type) {
		case string, bool:
			*l = append(*l, fmt.Sprint(value))
		default:
			return fmt.Errorf("%s is neither a string nor a list of strings", data)
		}
	}
	return nil
}

// document is a policy as it is written.
type document struct {
	Version   string
	ID        string `json:"Id"`
	Statement statements
}

type written struct {
	Sid                   string
	Effect                string
	Action, NotAction     list
	Resource, NotResource list
	Principal             json.RawMessage
	Condition             map[string]map[string]list
	NotPrincipal          json.RawMessage
}

// statements are a list, or one on its own.
type statements []written

// UnmarshalJSON accepts both forms, and rejects unknown fields.
func (s *statements) UnmarshalJSON(data []byte) error {
	one := strings.HasPrefix(strings.TrimSpace(string(data)), "{")
	if one {
		data = []byte("[" + string(data) + "]")
	}
	var all []written
	if err := strict(data, &all); err != nil {
		return err
	}
	*s = all
	return nil
}

func strict(data []byte, out any) error {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(out)
}

// Parse reads a policy. It fails if the policy contains anything that this package does not know.
func Parse(text string) (Policy, error) {
	var in document
	if err := strict([]byte(text), &in); err != nil {
		return Policy{}, fmt.Errorf("read the policy: %w", err)
	}
	if strings.Contains(text, "${") {
		return Policy{}, errors.New("read the policy: it has policy variables, which the laptop cloud does not support")
	}
	if len(in.Statement) == 0 {
		return Policy{}, errors.New("read the policy: it has no statements")
	}
	var out Policy
	for i, w := range in.Statement {
		s, err := w.parse()
		if err != nil {
			return Policy{}, fmt.Errorf("read statement %d (%s) of the policy: %w", i+1, w.Sid, err)
		}
		out.statements = append(out.statements, s)
	}
	return out, nil
}

func (w written) parse() (statement, error) {
	s := statement{
		deny: w.Effect == "Deny", actions: w.Action, notActions: w.NotAction, resources: w.Resource,
		notResource: w.NotResource,
	}
	switch {
	case w.Effect != "Allow" && w.Effect != "Deny":
		return s, fmt.Errorf("the effect must be Allow or Deny, not %q", w.Effect)
	case (w.Action == nil) == (w.NotAction == nil):
		return s, errors.New("give either Action or NotAction")
	case w.Resource != nil && w.NotResource != nil:
		return s, errors.New("give either Resource or NotResource")
	case w.NotPrincipal != nil:
		return s, errors.New("the laptop cloud does not support NotPrincipal")
	case w.Resource == nil && w.NotResource == nil && w.Principal == nil:
		return s, errors.New("it has neither Resource nor Principal")
	}
	for _, arn := range slices.Concat(w.Resource, w.NotResource) {
		if arn != "*" && (!strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") < arnParts-1) {
			return s, fmt.Errorf("the resource %q is neither an ARN nor *", arn)
		}
	}
	var err error
	if s.principals, err = principals(w.Principal); err != nil {
		return s, err
	}
	for operator, keys := range w.Condition {
		for key, values := range keys {
			c, err := newCondition(operator, key, values)
			if err != nil {
				return s, err
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return s, nil
}

// principals reads "*" or names by kind.
func principals(raw json.RawMessage) (map[string][]string, error) {
	if raw == nil {
		return nil, nil
	}
	if string(raw) == `"*"` {
		return map[string][]string{"AWS": {"*"}}, nil
	}
	var kinds map[string]list
	if err := json.Unmarshal(raw, &kinds); err != nil {
		return nil, fmt.Errorf("read Principal: %w", err)
	}
	out := map[string][]string{}
	for kind, names := range kinds {
		out[kind] = names
	}
	return out, nil
}
