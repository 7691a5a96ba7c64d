package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// box returns a made-up type with one of everything that the checks and diffs tell apart.
func box() Type {
	return Type{
		Name:         &AutoName{Prop: "name", Max: 20},
		ExactlyOneOf: [][]string{{"content", "source"}},
		Props: With(Tags(), map[string]Prop{
			"name":    {Replace: true},
			"content": {},
			"source":  {},
			"color":   {Default: "red"},
			"size": {Required: true, Replace: true, Check: func(v any) string {
				if n, _ := v.(float64); n < 1 {
					return "must be 1 or more"
				}
				return ""
			}},
			"policy": {Equal: SamePolicy},
			"labels": {Set: true},
			"zone":   {Computed: true},
			"lid":    {Fields: map[string]Prop{"locked": {Replace: true}, "colour": {}, "hinges": {Required: true}}},
			"token":  {InputOnly: true, Secret: true},
			"arn":    {Output: true},
		}),
	}
}

func good() Values { return Values{"size": 1.0, "content": "x"} }

func TestCheckFindsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	in := Values{
		"size": 0.0, "arn": "a", "colour": "red", "lid": Values{"locked": true, "lock": true},
	}
	_, problems := box().check(in, nil, naming{resourceName: "a-name-that-is-too-long"}, nil)
	want := []string{
		"arn: only the provider sets this property",
		"colour: the laptop cloud does not support this property",
		"lid.lock: the laptop cloud does not support this property",
		"name: name 'a-name-that-is-too-long-' plus 7 random chars is longer than maximum length 20",
		"missing required property 'lid.hinges'",
		"size: must be 1 or more",
		"set exactly one of content, source; 0 are set",
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Error(diff)
	}
}

func TestCheckFillsDefaultsNamesAndTags(t *testing.T) {
	t.Parallel()
	news := good().overlaid(Values{"tags": Values{"own": "1", "both": "own"}})
	defaults := map[string]string{"both": "default", "stack": "dev"}
	in, problems := box().check(news, nil, naming{resourceName: "crate", seed: []byte("s")}, defaults)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	name := in.Str("name")
	if !strings.HasPrefix(name, "crate-") || len(name) != len("crate-")+7 {
		t.Errorf("generated name %q", name)
	}
	if in.Str("color") != "red" {
		t.Errorf("color %q", in.Str("color"))
	}
	if diff := cmp.Diff([]string{"color", "name"}, in.Strs(defaultsKey)); diff != "" {
		t.Error(diff)
	}
	want := Values{"own": "1", "both": "own", "stack": "dev"}
	if diff := cmp.Diff(want, in.Object("tagsAll")); diff != "" {
		t.Error(diff)
	}
	again, _ := box().check(news, in, naming{resourceName: "crate", seed: []byte("other")}, defaults)
	if diff := cmp.Diff(in, again); diff != "" {
		t.Errorf("a second run changes inputs: %s", diff)
	}
}

func TestCheckLetsUnknownValuesPass(t *testing.T) {
	t.Parallel()
	in, problems := box().check(Values{"size": Unknown{}, "content": Unknown{}, "tags": Values{"a": Unknown{}}}, nil,
		naming{resourceName: "crate"}, nil)
	if len(problems) > 0 {
		t.Error(problems)
	}
	if in["tagsAll"] != (Unknown{}) {
		t.Errorf("tagsAll is %v", in["tagsAll"])
	}
}

func TestGeneratedNames(t *testing.T) {
	t.Parallel()
	mode := func(m pulumirpc.CheckRequest_AutonamingOptions_Mode) *pulumirpc.CheckRequest_AutonamingOptions {
		return &pulumirpc.CheckRequest_AutonamingOptions{Mode: m, ProposedName: "wanted"}
	}
	for _, test := range []struct {
		name  string
		rule  AutoName
		named naming
		want  string // a trailing ~ stands for seven hexadecimal digits
		err   string
	}{
		{"plain", AutoName{Max: 20}, naming{resourceName: "a"}, "a-~", ""},
		{"lower case", AutoName{Max: 20, Lower: true}, naming{resourceName: "ABC"}, "abc-~", ""},
		{"prefix", AutoName{Max: 20, Prefix: "alias/"}, naming{resourceName: "a"}, "alias/a-~", ""},
		{"no separator", AutoName{Max: 20, NoSeparator: true}, naming{resourceName: "a"}, "a~", ""},
		{"no suffix", AutoName{Max: 20, NoSuffix: true}, naming{resourceName: "a"}, "a", ""},
		{"enforced", AutoName{Max: 20}, naming{options: mode(pulumirpc.CheckRequest_AutonamingOptions_ENFORCE)}, "wanted", ""},
		{"proposed", AutoName{Max: 20}, naming{options: mode(pulumirpc.CheckRequest_AutonamingOptions_PROPOSE)}, "wanted", ""},
		{"proposed too long", AutoName{Max: 3}, naming{options: mode(pulumirpc.CheckRequest_AutonamingOptions_PROPOSE)}, "",
			"longer than maximum length 3"},
		{"disabled", AutoName{Max: 20}, naming{options: mode(pulumirpc.CheckRequest_AutonamingOptions_DISABLE)}, "",
			"set a name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.rule.generate(nil, test.named)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if prefix, generated := strings.CutSuffix(test.want, "~"); generated {
				if !strings.HasPrefix(got, prefix) || strings.Trim(got[len(prefix):], "0123456789abcdef") != "" ||
					len(got) != len(prefix)+7 {
					t.Errorf("name %q, want %q and seven digits", got, prefix)
				}
			} else if got != test.want {
				t.Errorf("name %q, want %q", got, test.want)
			}
		})
	}
}
