package reference_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// TestProjectDeclaresEveryKey asks Pulumi's own loader.
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
		case entry.Description == "":
			t.Errorf("%s has no description", k.FullName())
		case entry.Type != nil || entry.Secret:
			t.Errorf("Pulumi checks %s before the program can check everything", k.FullName())
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
		return err // such as infinity
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

// onlyLoad are parts of what Load says where no schema can agree, with the reason.
var onlyLoad = map[string]string{
	"is already":                   "compares apps",
	"is not in zone":               "compares fields",
	"recordName":                   "compares fields",
	"is also":                      "compares keys",
	"is not an app;":               "compares keys",
	"did you mean shop?":           "compares keys",
	"Let's Encrypt":                "compares keys",
	"but its IDs are set":          "compares fields",
	"but cfProxied is true":        "compares fields",
	"but enableDns is true":        "compares keys",
	"but enableIpv6 is false":      "compares keys",
	"neither encryptionsalt nor":   "compares keys",
	"is not a network address":     "is arithmetic on addresses",
	"overlaps Docker's network":    "is arithmetic on addresses",
	"put it in quotes":             "depends on quotes, which a schema does not see; editors read YAML 1.2",
	"\"yes\" is not a boolean":     "depends on the version of YAML",
	"has the tag":                  "is resolved before the schema is asked",
	"is not a whole number":        "depends on how a number is written",
	"-- as third and fourth":       "is Punycode",
	"Punycode":                     "is Punycode",
	"second YAML document":         "is another document",
	"is nested too deep":           "is said of what is wrong already",
	"is outside of config":         "is said of the file as a whole",
	"is not a key of a stack file": "is said of the file as a whole",
}

// TestSchemaAgreesWithLoad compares what the editor's schema and the loader say of each stack file in testdata, value
// by value.
func TestSchemaAgreesWithLoad(t *testing.T) {
	t.Parallel()
	s := compile(t)
	files, err := filepath.Glob(filepath.Join(root, "config/testdata/stackfiles/*/*.yaml"))
	if err != nil || len(files) < 70 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	unused := maps.Clone(onlyLoad)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := config.ParseFile("stack.yaml", text)
		if err != nil || yaml.Unmarshal(text, new(any)) != nil {
			continue // an editor shows that by itself
		}
		_, loadErr := config.Source{Stack: config.LocalStack, File: file}.Load()
		schemaErr := validate(t, s, string(text))
		if loadErr == nil {
			if schemaErr != nil {
				t.Errorf("the schema refuses %s, which is right: %#v", name, schemaErr)
			}
			continue
		}
		places := placesOf(schemaErr)
		for line := range strings.Lines(loadErr.Error()) {
			excused := false
			for part := range onlyLoad {
				if strings.Contains(line, part) {
					excused = true
					delete(unused, part)
				}
			}
			if !excused && !slices.ContainsFunc(places, func(place string) bool { return covers(place, pointer(line)) }) {
				t.Errorf("%s: the schema does not say, at %s of %q: %s", filepath.Base(name), pointer(line), places, line)
			}
		}
	}
	for part := range unused {
		t.Errorf("nothing needs the excuse %q", part)
	}
}

// pointer is where a line of Load's error is about something, as a JSON pointer.
func pointer(line string) string {
	_, text, _ := strings.Cut(line, ": ")
	path, _, _ := strings.Cut(text, ": ")
	if path == "config" || strings.HasPrefix(path, "encryption") || !strings.Contains(text, ": ") {
		return "/" + path
	}
	key, rest, _ := strings.Cut(path, ".")
	key, items, _ := strings.Cut(key, "[")
	if !strings.Contains(key, ":") {
		key = config.Namespace + ":" + key
	}
	if items != "" {
		rest = strings.TrimSuffix(items+"."+rest, ".")
	}
	rest = strings.NewReplacer("[", "/", "]", "", ".", "/", `"`, "").Replace(rest)
	return strings.TrimSuffix("/config/"+key+"/"+rest, "/")
}

// covers reports whether a schema's error at place is about what pointer points to: the value itself, a part of it, the
// map in which a name is unknown or missing, or the file as a whole.
func covers(place, pointer string) bool {
	parent := pointer[:max(0, strings.LastIndex(pointer, "/"))]
	return place == "" || place == pointer || place == parent || strings.HasPrefix(place, pointer+"/")
}

// placesOf lists where a schema's errors are.
func placesOf(err error) []string {
	var out []string
	var collect func(e *jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			out = append(out, e.InstanceLocation)
		}
		for _, cause := range e.Causes {
			collect(cause)
		}
	}
	if invalid := (*jsonschema.ValidationError)(nil); errors.As(err, &invalid) {
		collect(invalid)
	}
	return out
}

func TestSchemaJudges(t *testing.T) {
	t.Parallel()
	s := compile(t)
	const encrypted = "v1:cX09W9V2bmgLHFZP:ExHp7a/efITmeGWf30qEflI="
	for text, valid := range map[string]bool{
		"config: {}": true,
		"secretsprovider: awskms://x\nencryptedkey: abc\nconfig: {}":                               true,
		"encryptionsalt: v1:qSADIv2+Xsg=:v1:LzvUcdgA+P87uIQ9:lWKwAO6uHfG9l2ueZHGrsg==\nconfig: {}": true,
		"encryptionsalt: v1:x\nconfig: {}":                                                         false,
		"bogus: 1\nconfig: {}":                                                                     false,
		"config: {'webstack:bogus': 1}":                                                            false,
		"config: {'other:key': 1}":                                                                 false,
		"config: {'pulumi:tags': {a: b}, 'aws:profile': dev}":                                      true,
		"config: {'aws:defaultTags': {tags: {a: b}}}":                                              false,
		"config: {'cloudflare:retries': 3}":                                                        false,
		"config: {'aws:allowedAccountIds': [123456789012]}":                                        false,
		"config: {'aws:allowedAccountIds': ['123456789012']}":                                      true,
		"config: {'webstack:apps': {postgres: {domain: a.example.com}}}":                           false,
		"config: {'webstack:apps': {awsome: {domain: a.example.com}}}":                             false,
		"config: {'webstack:apps': {shop: {domain: a.example.com, cfTtl: 30}}}":                    false,
		"config: {'webstack:apps': {shop: {domain: a.example.com, cfTtl: 60}}}":                    true,
		"config: {'webstack:apps': {shop: {domain: a.example.com, zone: ''}}}":                     true,
		"config: {'webstack:apps': {shop: {domain: a.example.com, repoName: 1a}}}":                 false,
		"config: {'webstack:appEnvPlain': {shop: {PORT: '80'}}}":                                   false,
		"config: {'webstack:appEnvPlain': {shop: {A: {secure: v1:x}}}}":                            false,
		"config: {'webstack:rootVolumeSize': 16}":                                                  true,
		"config: {'webstack:rootVolumeSize': '16', 'webstack:useEip': 'true'}":                     true,
		"config: {'webstack:rootVolumeSize': 1}":                                                   false,
		"config: {'webstack:rootVolumeSize': big}":                                                 false,
		"config: {'webstack:useEip': yes please}":                                                  false,
		"config: {'webstack:natMode': gateway}":                                                    true,
		"config: {'webstack:natMode': instance}":                                                   false,
		"config: {'webstack:amiId': ''}":                                                           true,
		"config: {'webstack:amiId': ami-x}":                                                        false,
		"config: {'webstack:amiId': {secure: v1:x}}":                                               false,
		"config: {'webstack:amiId': {secure: v1:x, more: 1}}":                                      false,
		"config: {'webstack:postgresPassword': in-clear-in-clear}":                                 false,
		"config: {'webstack:postgresPassword': {secure: v1:x}}":                                    false,
		"config: {'webstack:postgresPassword': {secure: '" + encrypted + "'}}":                     true,
		"config: {'cloudflare:apiToken': {secure: '" + encrypted + "'}}":                           true,
		"config: {'webstack:apps': {shop: {domain: shop.example.com}}}":                            true,
		"config: {'webstack:apps': {shop: {domain: {secure: v1:x}}}}":                              false,
		"config: {'webstack:apps': {shop: {}}}":                                                    false,
		"config: {'webstack:apps': {Shop: {domain: shop.example.com}}}":                            false,
		"config: {'webstack:apps': {shop: {domain: Shop.example.com}}}":                            false,
		"config: {'webstack:apps': {shop: {domain: a.b, port: 1}}}":                                false,
		"config: {'webstack:apps': {shop: {domain: a.b, aliases: [c.b]}}}":                         true,
		"config: {'webstack:apps': {shop: {domain: a.b, aliases: c.b}}}":                           false,
		"config: {'webstack:apps': {secure: v1:x}}":                                                false,
		"config: {'webstack:appEnvPlain': {shop: {A: '1'}}}":                                       true,
		"config: {'webstack:appEnvPlain': {shop: {A: 1}}}":                                         false,
		"config: {'webstack:appEnvPlain': {shop: {A-B: x}}}":                                       false,
		"config: {'webstack:appEnvSecure': {shop: {A: {secure: '" + encrypted + "'}}}}":            true,
		"config: {'webstack:appEnvSecure': {shop: {A: in-clear}}}":                                 false,
	} {
		if strings.Contains(text, "config: {'") { // the region must be there
			text = strings.Replace(text, "config: {", "config: {'aws:region': us-east-1, ", 1)
		} else {
			text = strings.Replace(text, "config: {}", "config: {'aws:region': us-east-1}", 1)
		}
		if err := validate(t, s, text); (err == nil) != valid {
			t.Errorf("%s: valid is %v, want %v (%v)", text, err == nil, valid, err)
		}
	}
}
