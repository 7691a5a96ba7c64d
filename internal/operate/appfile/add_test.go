package appfile

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var fields = []Field{
	{"domain", "wiki.example.com"}, {"aliases", []string{"w.example.com", "www.wiki.example.com"}},
	{"containerPort", int64(3000)}, {"cfProxied", true}, {"githubBranch", "yes"}, {"healthPath", "/up?a=b#c: d"},
}

const (
	lead  = "    "
	block = lead + "wiki:\n" + lead + "  domain: wiki.example.com\n" +
		lead + "  aliases: [w.example.com, www.wiki.example.com]\n" + lead + "  containerPort: 3000\n" +
		lead + "  cfProxied: true\n" + lead + "  githubBranch: \"yes\"\n" + lead + "  healthPath: '/up?a=b#c: d'\n"
)

func TestAddInsertsLinesOnly(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // the place of the new lines is marked by a line +
		"last of several":     "config:\n  webstack:apps:\n    shop:\n      domain: shop.example.com\n+\n  webstack:useEip: true\n",
		"at the end":          "config:\n  webstack:apps:\n    shop:\n      domain: shop.example.com\n+\n",
		"without a namespace": "config:\n  apps:\n    shop: {domain: shop.example.com}\n+\n",
		"comments": "# top\nconfig: # c\n  webstack:apps: # d\n    # first\n    shop:\n      domain: 'shop.example.com'   # e\n" +
			"      # githubRepo: x\n    # blog:\n+\n\n  # --- Next ---\n  webstack:useEip: true\n\n# end\n",
		"blank lines within": "config:\n  webstack:apps:\n\n    shop:\n\n      domain: shop.example.com\n\n    blog:\n" +
			"      domain: b.example.com\n+\n\n\n  webstack:useEip: true\n",
		"texts of many lines": "config:\n  webstack:apps:\n    shop:\n      domain: |\n        # no comment\n\n        x\n+\n" +
			"  webstack:activeApp: shop\n",
		"no apps yet": "config:\n  aws:region: eu-central-1\n  # webstack:useEip: true\n:\nencryptionsalt: v1:x\n",
		"apps empty":  "config:\n  webstack:apps:\n+\n  aws:region: eu-central-1\n",
	}
	for name, text := range tests {
		before := strings.NewReplacer("+\n", "", "\n:\n", "\n").Replace(text)
		want := strings.NewReplacer("+\n", block, "\n:\n", "\n  webstack:apps:\n"+block).Replace(text)
		got, err := Add([]byte(before), "wiki", fields)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAddKeepsTheFormOfTheFile(t *testing.T) {
	t.Parallel()
	short := []Field{{"domain", "wiki.example.com"}}
	for before, want := range map[string]string{
		"":                       "config:\n  webstack:apps:\n    wiki:\n      domain: wiki.example.com\n",
		"# only a comment":       "# only a comment\nconfig:\n  webstack:apps:\n    wiki:\n      domain: wiki.example.com\n",
		"encryptionsalt: x\n":    "encryptionsalt: x\nconfig:\n  webstack:apps:\n    wiki:\n      domain: wiki.example.com\n",
		"config: {}\n":           "config:\n  webstack:apps:\n    wiki:\n      domain: wiki.example.com\n",
		"config: {} # c\nx: 1\n": "config: # c\n  webstack:apps:\n    wiki:\n      domain: wiki.example.com\nx: 1\n",
		"config: null\n":         "config:\n  webstack:apps:\n    wiki:\n      domain: wiki.example.com\n",
		"config:\n  webstack:apps: {}\n  aws:region: r\n": "config:\n  webstack:apps:\n    wiki:\n" +
			"      domain: wiki.example.com\n  aws:region: r\n",
		"config:\n    webstack:apps:\n        shop:\n            domain: s.example.com": "config:\n    webstack:apps:\n" +
			"        shop:\n            domain: s.example.com\n        wiki:\n          domain: wiki.example.com\n",
		"config:\r\n  webstack:apps:\r\n    shop:\r\n      domain: s\r\n": "config:\r\n  webstack:apps:\r\n    shop:\r\n" +
			"      domain: s\r\n    wiki:\r\n      domain: wiki.example.com\r\n",
	} {
		got, err := Add([]byte(before), "wiki", short)
		if err != nil || string(got) != want {
			t.Errorf("%q: %v\n%s", before, err, cmp.Diff(want, string(got)))
		}
	}
}

func TestAddToTheSamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dev", "local"} {
		before, err := os.ReadFile("../../../Pulumi." + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		after, err := Add(before, "wiki", fields)
		if err != nil {
			t.Fatal(err)
		}
		if rest := strings.Replace(string(after), block, "", 1); rest != string(before) {
			t.Errorf("%s: %s", name, cmp.Diff(string(before), rest))
		}
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		"config:\n  webstack:apps:\n    wiki: {}\n":       `add app "wiki": it is already in the stack file`,
		"config:\n  webstack:apps: {shop: {domain: x}}\n": "written in braces",
		"config: {aws:region: x}\n":                       "written in braces",
		"config:\n  webstack:apps:\n    secure: v1:x\n":   "it is not a plain map in the stack file",
		"config:\n  webstack:apps: 7\n":                   "it is not a plain map",
		"config:\n  webstack:apps:\n    {}\n":             "write its empty map as {} after the key",
		"- a\n":                                           "it is not a YAML map",
		"a: [\n":                                          "read the stack file",
	} {
		_, err := Add([]byte(before), "wiki", fields)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", before, err, want)
		}
	}
	if _, err := Add([]byte("config:\n  apps: {wiki: {}}\n"), "wiki", fields); !errors.Is(err, ErrThere) {
		t.Error(err)
	}
}

func FuzzAdd(f *testing.F) {
	for _, name := range []string{"dev", "local"} {
		text, err := os.ReadFile("../../../Pulumi." + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("config:\n  apps:\n    a: {}\n")
	f.Fuzz(func(t *testing.T, text string) {
		after, err := Add([]byte(text), "wiki", fields)
		if err != nil {
			return
		}
		if _, err := Add(after, "wiki", fields); !errors.Is(err, ErrThere) {
			t.Errorf("%q became %q, to which the app can be added again: %v", text, after, err)
		}
	})
}
