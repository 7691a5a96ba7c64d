package appfile

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRemoveTakesLinesAway(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // lines that begin with - are to go, those that begin with + come
		"one of several": "config:\n  webstack:apps:\n    shop:\n      domain: s\n-    wiki:\n-      domain: w\n-      # why\n" +
			"    blog: {domain: b}\n",
		"everything that speaks of it": "# top\nconfig: # c\n  webstack:activeApp: shop # stays\n  webstack:apps:\n    # the shop\n" +
			"    shop:\n      domain: s\n\n    # the wiki\n-    wiki: {domain: w}\n\n  webstack:appEnvPlain:\n    shop:\n" +
			"      WIKI: wiki\n-    wiki:\n-      A: |\n-        text\n-\n-        more\n  webstack:appEnvSecure:\n" +
			"-    wiki:\n-      KEY:\n-        secure: v1:x\n    shop:\n      KEY:\n        secure: v1:y\n# end\n",
		"the active app": "config:\n-  webstack:activeApp: 'wiki'\n  webstack:apps:\n-    wiki:\n-      domain: w\n    shop:\n      domain: s\n",
		"the last app": "config:\n-  apps: # mine\n+  apps: {} # mine\n-    wiki:\n-      domain: w\n    # shop: later\n" +
			"-  webstack:appEnvPlain:\n+  webstack:appEnvPlain: {}\n-    wiki: {A: b}\n  aws:region: r\n",
		"between blank lines": "config:\n  apps:\n    shop: {domain: s}\n\n-    wiki:\n-      domain: w\n-\n    blog: {domain: b}\n",
		"DOS line ends":       "config:\r\n  apps:\r\n-    wiki:\r\n-      domain: w\r\n    blog: {domain: b}\r\n",
		"no end of line":      "config:\n  apps:\n    blog: {domain: b}\n-    wiki:\n-      domain: w",
	}
	for name, text := range tests {
		var before, want strings.Builder
		for line := range strings.Lines(text) {
			switch line[0] {
			case '-':
				before.WriteString(line[1:])
			case '+':
				want.WriteString(line[1:])
			default:
				before.WriteString(line)
				want.WriteString(line)
			}
		}
		got, err := Remove([]byte(before.String()), "wiki")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want.String(), string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What was added can be removed again, and the file is what it was.
func TestRemoveUndoesAdd(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dev", "local"} {
		before, err := os.ReadFile("../../../Pulumi." + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		added, err := Add(before, "wiki", fields)
		if err != nil {
			t.Fatal(err)
		}
		after, err := Remove(added, "wiki")
		if diff := cmp.Diff(string(before), string(after)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestRemoveRefuses(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		"":                              "which has no apps",
		"config:\n  webstack:apps:\n":   "which has no apps",
		"config:\n  apps: {shop: {}}\n": "which has shop",
		"config:\n  apps: {wiki: {}}\n": "apps is written in braces",
		"a: [\n":                        "read the stack file",
		"config: {apps: {wiki: {}}, activeApp: wiki}\n":                                            "written in braces",
		"config:\n  apps:\n    wiki: &w\n      domain: w\n    shop: *w\n":                          "remove it by hand",
		"config:\n  apps:\n    wiki:\n      domain: w\n  appEnvPlain: {wiki: {A: b}}\n":            "appEnvPlain is written in braces",
		"config:\n  apps:\n    wiki: {domain: w}\n    wiki2: {}\n  webstack:apps:\n    wiki: {}\n": "remove it by hand",
	} {
		if got, err := Remove([]byte(before), "wiki"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q; %q", before, err, want, got)
		}
	}
	if _, err := Remove([]byte("config:\n  apps: {shop: {}}\n"), "wiki"); !errors.Is(err, ErrNotThere) {
		t.Error(err)
	}
}

func FuzzRemove(f *testing.F) {
	for _, name := range []string{"dev", "local"} {
		text, err := os.ReadFile("../../../Pulumi." + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		after, err := Remove([]byte(text), "shop")
		if err != nil {
			return
		}
		if _, err := Remove(after, "shop"); !errors.Is(err, ErrNotThere) {
			t.Errorf("%q became %q, from which the app can be removed again: %v", text, after, err)
		}
	})
}
