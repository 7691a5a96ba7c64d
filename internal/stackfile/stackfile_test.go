package stackfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/config"
	"webstack/internal/project"
	"webstack/internal/stackfile"
)

const root = "../.."

func TestThePulumiYamlHasTheProgramsDefaults(t *testing.T) {
	t.Parallel()
	file, err := stackfile.Read(root, "not-there", "")
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Values) < 20 {
		t.Fatalf("Pulumi.yaml gives %d defaults", len(file.Values))
	}
	got, err := config.Load("dev", file.Values)
	if err != nil {
		t.Fatal(err)
	}
	want, err := config.Load("dev", nil)
	if err != nil {
		t.Fatal(err)
	}
	want.Apps = []config.App{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-without +with the defaults of Pulumi.yaml):\n%s", diff)
	}
}

func TestSampleFiles(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"dev", config.LocalStack} {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			file, err := stackfile.Read(root, stack, "webstack-local")
			if err != nil {
				t.Fatal(err)
			}
			isSecret := func(key string) bool { return slices.Contains(file.SecretKeys, key) }
			c, err := config.Source{Stack: stack, Values: file.Values, Encrypted: isSecret, File: file.Text}.Load()
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Apps) != 2 || c.Apps[0].Name != "blog" || c.Apps[1].Name != "shop" {
				t.Errorf("apps are %v, want blog and shop", c.Apps)
			}
			if stack == config.LocalStack && c.Apps[1].EnvSecure["SESSION_KEY"].Reveal() == "" {
				t.Error("stack local has no secure variable")
			}
		})
	}
}

// write makes a project whose stack local has that file.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	projectFile, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), projectFile, 0o644)
	}
	if err == nil {
		err = os.WriteFile(project.StackFile(dir, "local"), []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

const (
	head = "encryptionsalt: v1:qSADIv2+Xsg=:v1:LzvUcdgA+P87uIQ9:lWKwAO6uHfG9l2ueZHGrsgE4baOhNQ==\n" +
		"config:\n  aws:region: us-east-1\n  webstack:acme: internal\n" +
		"  webstack:apps: {shop: {domain: shop.localhost, zone: localhost}}\n"
	right = "v1:2V/cUNBhx6EtFkku:ds1LJFOikpphQzTfDAeyBslWUrllE+CZ+R+ZbrP1dP5omIS8afhSraHb+IFNkFu3sIuoC89EI3VK"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const passphrase = "webstack-local"
	for name, c := range map[string]struct{ text, passphrase, want string }{
		"right": {head + "  webstack:appEnvSecure: {shop: {KEY: {secure: '" + right + "'}}}\n", passphrase, ""},
		"a value of another key": {
			head + "  webstack:appEnvSecure: {shop: {KEY: {secure: 'v1:cX09W9V2bmgLHFZP:AAHp7a/efITmeGWf30qEflI='}}}\n",
			passphrase, "Pulumi.local.yaml:6: appEnvSecure.shop.KEY: cannot be decrypted",
		},
		"another passphrase": {head, "other", "Pulumi.local.yaml: encryptionsalt: does not belong to"},
		"an unknown key too": {head + "  webstack:bogus: x\n", "other", "Pulumi.local.yaml:6: bogus: is not a key"},
		"a tab":              {head + "\twebstack:useEip: true\n", passphrase, "Pulumi.local.yaml:6: is indented with a tab"},
		"a file that is too large": {
			head + "  webstack:appEnvPlain: {shop: {A: &x " + strings.Repeat("x", 30<<10) + ", B: *x, C: *x, D: *x, E: *x}}\n",
			passphrase, "Pulumi.local.yaml: is 15",
		},
		"a bad secret": {
			head + "  webstack:postgresPassword: {secure: 'v1:9S6iiQjkCidjudFF:Vn9ZgAtwepq07ICtptCP4qFDnK5OaOjp9ysF2s08jGjaoayLSmaTboM9E9c6AoPFPVY0ziTzLn8='}\n" +
				"  webstack:appEnvSecure: {shop: {A-B: {secure: '" + right + "'}}}\n",
			passphrase, "Pulumi.local.yaml:7: appEnvSecure.shop.A-B: is not a variable name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := stackfile.Check(write(t, c.text), "local", c.passphrase)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestOfRunKnowsItsFile: a file is only judged when the values of the run come from it.
func TestOfRunKnowsItsFile(t *testing.T) {
	t.Parallel()
	const text = head + "  webstack:appEnvPlain: {shop: {LINES: \"\\n\\nx\", DATE: 2024-01-01}}\n" +
		"  webstack:appEnvSecure: {shop: {KEY: {secure: '" + right + "'}}}\n"
	dir := write(t, text)
	run, err := stackfile.Read(dir, "local", "webstack-local")
	if err != nil {
		t.Fatal(err)
	}
	file, err := stackfile.OfRun(dir, "local", []byte(text), run.Values)
	if err != nil || file == nil {
		t.Fatalf("the run's own file is not found: %v", err)
	}
	_, err = config.Source{Stack: "local", Values: run.Values, File: file}.Load()
	if want := "Pulumi.local.yaml:6: appEnvPlain.shop.DATE: is a date, not a string"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	run.Values["webstack:acme"] = "staging"
	if file, err := stackfile.OfRun(dir, "local", []byte(text), run.Values); err != nil || file != nil {
		t.Errorf("another run's file is taken: %v, %v", file, err)
	}
}

// TestALeadingNewlineIsKept: Pulumi's reader drops the first line of a text that begins with an empty one.
func TestALeadingNewlineIsKept(t *testing.T) {
	t.Parallel()
	const text = head + "  webstack:appEnvPlain: {shop: {LINES: \"\\n\\n  x\\n\"}}\n"
	run, err := stackfile.Read(write(t, text), "local", "webstack-local")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Source{Stack: "local", Values: run.Values, File: run.Text}.Load()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Apps[0].EnvPlain["LINES"]; got != "\n\n  x\n" {
		t.Errorf("the value is %q", got)
	}
}
