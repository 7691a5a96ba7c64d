package iamcheck

import (
	"strings"
	"testing"
)

// policy parses statements in short form.
func policy(t *testing.T, statements string) Policy {
	t.Helper()
	p, err := Parse(`{"Version": "2012-10-17", "Statement": [` + statements + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	parameters = "arn:aws:ssm:us-east-1:123456789012:parameter/"
	object     = "arn:aws:s3:::bucket/backups/one"
)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statements       string
		action, resource string
		want             Decision
	}{
		"an exact action and resource": {
			`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "` + object + `"}`, "s3:GetObject", object, Allow},
		"another action": {
			`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}`, "s3:PutObject", object, ImplicitDeny},
		"actions in another case": {
			`{"Effect": "Allow", "Action": ["s3:getobject"], "Resource": "*"}`, "s3:GetObject", object, Allow},
		"actions by wildcard": {
			`{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}`, "s3:GetObjectVersion", object, Allow},
		"resources are compared with their case": {
			`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::BUCKET/*"}`, "s3:GetObject", object, ImplicitDeny},
		"a wildcard spans slashes": {
			`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::bucket/*"}`, "s3:GetObject", object, Allow},
		"a wildcard does not span the parts of an ARN": {
			`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:west:1:x"}`, "ssm:GetParameter",
			"arn:aws:ssm:east:west:1:x", ImplicitDeny},
		"one character": {
			`{"Effect": "Allow", "Action": "*", "Resource": "` + parameters + `ap?"}`, "ssm:GetParameter", parameters + "app", Allow},
		"a path is not what lies below it": {
			`{"Effect": "Allow", "Action": "*", "Resource": "` + parameters + `app/*"}`, "ssm:GetParametersByPath",
			parameters + "app", ImplicitDeny},
		"an explicit denial wins": {
			`{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}`,
			"s3:GetObject", object, ExplicitDeny},
		"a denial of something else": {
			`{"Effect": "Deny", "Action": "ssm:*", "Resource": "*"}, {"Effect": "Allow", "Action": "*", "Resource": "*"}`,
			"s3:GetObject", object, Allow},
		"all but an action": {
			`{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}`, "s3:GetObject", object, Allow},
		"the action that is left out": {
			`{"Effect": "Allow", "NotAction": ["s3:Get*", "iam:*"], "Resource": "*"}`, "s3:GetObject", object, ImplicitDeny},
		"all but a resource": {
			`{"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::other/*"}`, "s3:GetObject", object, ExplicitDeny},
		"the resource that is left out": {
			`{"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::bucket/*"}`, "s3:GetObject", object, ImplicitDeny},
		"a principal that does not ask": {
			`{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/other"}, "Action": "*", "Resource": "*"}`,
			"s3:GetObject", object, ImplicitDeny},
		"the principal that asks": {
			`{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::123456789012:role/own"]}, "Action": "*", "Resource": "*"}`,
			"s3:GetObject", object, Allow},
		"everybody": {
			`{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}`, "s3:GetObject", object, ExplicitDeny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Evaluate([]Policy{policy(t, test.statements)}, Request{
				Action: test.action, Resource: test.resource,
				Principals: map[string][]string{"AWS": {"arn:aws:iam::123456789012:role/own"}},
			})
			if got != test.want {
				t.Errorf("decided %d, want %d", got, test.want)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		condition string
		context   map[string][]string
		want      bool
	}{
		"equal":                     {`{"StringEquals": {"k": "v"}}`, map[string][]string{"k": {"v"}}, true},
		"one of several":            {`{"StringEquals": {"k": ["u", "v"]}}`, map[string][]string{"k": {"v"}}, true},
		"another case":              {`{"StringEquals": {"k": "V"}}`, map[string][]string{"k": {"v"}}, false},
		"a key in another case":     {`{"StringEquals": {"aws:K": "v"}}`, map[string][]string{"AWS:k": {"v"}}, true},
		"missing":                   {`{"StringEquals": {"k": "v"}}`, nil, false},
		"missing, if it exists":     {`{"StringEqualsIfExists": {"k": "v"}}`, nil, true},
		"no wildcard in equality":   {`{"StringEquals": {"k": "*"}}`, map[string][]string{"k": {"v"}}, false},
		"like":                      {`{"StringLike": {"k": "a/*"}}`, map[string][]string{"k": {"a/b"}}, true},
		"not like":                  {`{"StringLike": {"k": "a/*"}}`, map[string][]string{"k": {"b/a/"}}, false},
		"unequal":                   {`{"StringNotEquals": {"k": "v"}}`, map[string][]string{"k": {"w"}}, true},
		"unequal to all":            {`{"StringNotEquals": {"k": ["v", "w"]}}`, map[string][]string{"k": {"w"}}, false},
		"unequal, missing":          {`{"StringNotEquals": {"k": "v"}}`, nil, true},
		"without regard to case":    {`{"StringEqualsIgnoreCase": {"k": "V"}}`, map[string][]string{"k": {"v"}}, true},
		"a truth":                   {`{"Bool": {"k": true}}`, map[string][]string{"k": {"true"}}, true},
		"a falsehood as text":       {`{"Bool": {"k": "false"}}`, map[string][]string{"k": {"true"}}, false},
		"null":                      {`{"Null": {"k": "true"}}`, nil, true},
		"not null":                  {`{"Null": {"k": "false"}}`, nil, false},
		"an ARN":                    {`{"ArnLike": {"k": "arn:aws:s3:::b*"}}`, map[string][]string{"k": {"arn:aws:s3:::bucket"}}, true},
		"any value":                 {`{"ForAnyValue:StringEquals": {"k": "v"}}`, map[string][]string{"k": {"u", "v"}}, true},
		"any value, missing":        {`{"ForAnyValue:StringEquals": {"k": "v"}}`, nil, false},
		"all values":                {`{"ForAllValues:StringEquals": {"k": ["u", "v"]}}`, map[string][]string{"k": {"u", "v"}}, true},
		"all values but one":        {`{"ForAllValues:StringEquals": {"k": "v"}}`, map[string][]string{"k": {"u", "v"}}, false},
		"all values, missing":       {`{"ForAllValues:StringEquals": {"k": "v"}}`, nil, true},
		"one of two conditions":     {`{"StringEquals": {"k": "v", "l": "w"}}`, map[string][]string{"k": {"v"}}, false},
		"both of two conditions":    {`{"StringEquals": {"k": "v"}, "StringLike": {"l": "*"}}`, map[string][]string{"k": {"v"}, "l": {"x"}}, true},
		"any value unequal, absent": {`{"ForAnyValue:StringNotEquals": {"k": "v"}}`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, `{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": `+test.condition+`}`)
			got := Evaluate([]Policy{p}, Request{Action: "s3:GetObject", Resource: object, Context: test.context})
			if (got == Allow) != test.want {
				t.Errorf("decided %d, want to allow: %t", got, test.want)
			}
		})
	}
}

func TestUnknownPartsAreErrors(t *testing.T) {
	t.Parallel()
	for statement, word := range map[string]string{
		`{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "::1"}}}`: "IpAddress",
		`{"Effect": "Perhaps", "Action": "*", "Resource": "*"}`:                                                    "Perhaps",
		`{"Effect": "Allow", "Resource": "*"}`:                                                                     "Action",
		`{"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}`:                                    "Action",
		`{"Effect": "Allow", "Action": "*", "Resource": "*", "NotResource": "*"}`:                                  "Resource",
		`{"Effect": "Allow", "Action": "*"}`:                                                                       "Resource",
		`{"Effect": "Allow", "Action": "*", "Resource": "bucket/*"}`:                                               "bucket/*",
		`{"Effect": "Allow", "Action": "*", "Resource": 7}`:                                                        "7",
		`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}"}`:                           "variables",
		`{"Effect": "Allow", "Action": "*", "Resource": "*", "NotPrincipal": "*"}`:                                 "NotPrincipal",
		`{"Effect": "Allow", "Action": "*", "Resource": "*", "Foo": "*"}`:                                          "Foo",
		``: "no statement",
	} {
		_, err := Parse(`{"Version": "2012-10-17", "Statement": [` + statement + `]}`)
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want an error with %q", statement, err, word)
		}
	}
	if _, err := Parse("no json"); err == nil {
		t.Error("invalid JSON was accepted")
	}
}

func TestOneStatementNeedsNoList(t *testing.T) {
	t.Parallel()
	p, err := Parse(`{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := Evaluate([]Policy{p}, Request{Action: "s3:GetObject", Resource: object}); got != Allow {
		t.Errorf("decided %d", got)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"?", "", false}, {"a*", "a", true}, {"a*b*c", "aXbYc", true},
		{"a*b*c", "aXbY", false}, {"*ab", "aab", true}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"**", "x", true},
		{"abc", "abcd", false}, {"*c", "abcd", false},
	} {
		if got := Match(test.pattern, test.text); got != test.want {
			t.Errorf("Match(%q, %q) is %t", test.pattern, test.text, got)
		}
	}
}
