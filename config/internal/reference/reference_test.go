package reference_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/santhosh-tekuri/jsonschema/v5"
	"gopkg.in/yaml.v3"

	"webstack/config"
	"webstack/config/internal/reference"
)

const root = "../../.."

func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	for name, render := range reference.Files {
		have, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := render(string(have))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(want, string(have)); diff != "" {
			t.Errorf("%s is stale, run go generate ./config (-want +have):\n%s", name, diff)
		}
	}
}

func TestProjectFileKeepsTheHandWrittenPart(t *testing.T) {
	t.Parallel()
	if _, err := reference.ProjectFile("name: x\n"); err == nil {
		t.Error("a file without the marker is taken")
	}
	have, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(have), "runtime: go", "runtime: go\n# note", 1) + "  webstack:old:\n    type: string\n"
	got, err := reference.ProjectFile(edited)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "# note") || strings.Contains(got, "webstack:old") {
		t.Errorf("unexpected file:\n%s", got)
	}
}

// TestProjectDeclaresEveryKey asks Pulumi's own loader, which checks types against defaults.
func TestProjectDeclaresEveryKey(t *testing.T) {
	t.Parallel()
	project, err := workspace.LoadProject(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if project.Name != config.Namespace {
		t.Errorf("project is %s, want %s", project.Name, config.Namespace)
	}
	declared := 0
	for _, k := range config.Keys() {
		entry, ok := project.Config[k.FullName()]
		if !strings.HasPrefix(k.FullName(), config.Namespace+":") {
			continue
		}
		declared++
		switch {
		case !ok:
			t.Errorf("%s is not declared", k.FullName())
		case entry.Description == "" || entry.Type == nil:
			t.Errorf("%s has no description or type", k.FullName())
		case entry.Default == nil:
			t.Errorf("%s has no default, so every stack would have to set it", k.FullName())
		}
	}
	for name := range project.Config {
		if strings.HasPrefix(name, config.Namespace+":") {
			declared--
		}
	}
	if declared != 0 {
		t.Errorf("Pulumi.yaml declares %d keys too many", -declared)
	}
}

func TestEveryKeyIsDescribed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range append(config.Keys(), config.AppFields()...) {
		if k.Description == "" || k.Allowed == "" || k.Type == "" {
			t.Errorf("%s lacks a description, what is allowed or a type", k.Name)
		}
		if seen[k.Name] {
			t.Errorf("%s is described twice", k.Name)
		}
		seen[k.Name] = true
		if k.Type == config.TypeInteger && k.Max == 0 {
			t.Errorf("%s has no limits", k.Name)
		}
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "schema", "stack.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("stack.json", bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("stack.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate checks YAML text by the schema, in the types that JSON has.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestSchemaTakesTheSampleFiles(t *testing.T) {
	t.Parallel()
	s := compile(t)
	files, err := filepath.Glob(filepath.Join(root, "Pulumi.*.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, string(text)); err != nil {
			t.Errorf("%s: %#v", name, err)
		}
		if !strings.HasPrefix(string(text), "# yaml-language-server: $schema=./schema/stack.schema.json\n") {
			t.Errorf("%s does not name the schema on its first line", name)
		}
	}
}

func TestSchemaJudges(t *testing.T) {
	t.Parallel()
	s := compile(t)
	for text, valid := range map[string]bool{
		"config:\n": true,
		"encryptionsalt: v1:x\nsecretsprovider: awskms://x\nencryptedkey: abc\nconfig: {}": true,
		"bogus: 1":                      false,
		"config: {'webstack:bogus': 1}": false,
		"config: {'other:key': 1}":      false,
		"config: {'aws:region': eu-central-1, 'aws:defaultTags': {tags: {a: b}}, 'cloudflare:retries': 3}": true,
		"config: {'webstack:rootVolumeSize': 16}":                                                          true,
		"config: {'webstack:rootVolumeSize': '16', 'webstack:useEip': 'true'}":                             true,
		"config: {'webstack:rootVolumeSize': 1}":                                                           false,
		"config: {'webstack:rootVolumeSize': big}":                                                         false,
		"config: {'webstack:useEip': yes please}":                                                          false,
		"config: {'webstack:natMode': gateway}":                                                            true,
		"config: {'webstack:natMode': instance}":                                                           false,
		"config: {'webstack:amiId': ''}":                                                                   true,
		"config: {'webstack:amiId': ami-x}":                                                                false,
		"config: {'webstack:amiId': {secure: v1:x}}":                                                       true,
		"config: {'webstack:amiId': {secure: v1:x, more: 1}}":                                              false,
		"config: {'webstack:postgresPassword': in-clear-in-clear}":                                         false,
		"config: {'webstack:postgresPassword': {secure: v1:x}}":                                            true,
		"config: {'cloudflare:apiToken': {secure: v1:x}}":                                                  true,
		"config: {'webstack:apps': {shop: {domain: shop.example.com}}}":                                    true,
		"config: {'webstack:apps': {shop: {domain: {secure: v1:x}}}}":                                      true,
		"config: {'webstack:apps': {shop: {}}}":                                                            false,
		"config: {'webstack:apps': {Shop: {domain: shop.example.com}}}":                                    false,
		"config: {'webstack:apps': {shop: {domain: Shop.example.com}}}":                                    false,
		"config: {'webstack:apps': {shop: {domain: a.b, port: 1}}}":                                        false,
		"config: {'webstack:apps': {shop: {domain: a.b, aliases: [c.b]}}}":                                 true,
		"config: {'webstack:apps': {shop: {domain: a.b, aliases: c.b}}}":                                   false,
		"config: {'webstack:apps': {secure: v1:x}}":                                                        true,
		"config: {'webstack:appEnvPlain': {shop: {A: '1'}}}":                                               true,
		"config: {'webstack:appEnvPlain': {shop: {A: 1}}}":                                                 false,
		"config: {'webstack:appEnvPlain': {shop: {A-B: x}}}":                                               false,
		"config: {'webstack:appEnvSecure': {shop: {A: {secure: v1:x}}}}":                                   true,
		"config: {'webstack:appEnvSecure': {shop: {A: in-clear}}}":                                         false,
	} {
		if err := validate(t, s, text); (err == nil) != valid {
			t.Errorf("%s: valid is %v, want %v (%v)", text, err == nil, valid, err)
		}
	}
}
