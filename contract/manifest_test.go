package contract

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// valid is a manifest with two of everything, in Encode's order.
func valid() Manifest {
	app := func(name string) ManifestApp {
		return ManifestApp{
			Name: name, Domain: name + ".example.com", Port: 8080, HealthPath: "/up?a=b&c=<d>",
			Repository: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/webstack/" + name,
			Database:   name, MemoryMb: 256, StartTimeoutSeconds: 90, DrainTimeoutSeconds: 30,
			StopGraceSeconds: 10, SecureEnv: []string{"API_KEY", "TOKEN"},
		}
	}
	return Manifest{
		Version: Version, Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: DefaultStackDir,
		PostgresUser: "postgres", PostgresDefaultDb: "app", Apps: []ManifestApp{app("blog"), app("shop")},
		Files: []File{
			{Path: HostProgramPath, SHA256: Sum([]byte("program")), Size: 7, Mode: ModeProgram},
			{Path: CaddyfilePath, SHA256: Sum(nil), Size: 0, Mode: ModeData},
		},
	}
}

func TestEncodeThenDecode(t *testing.T) {
	t.Parallel()
	empty := valid()
	empty.Apps, empty.Files = []ManifestApp{}, []File{}
	for name, want := range map[string]Manifest{"full": valid(), "empty": empty} {
		got, err := DecodeManifest(want.Encode())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestEncodeDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	m := valid()
	want := m.Encode()
	slices.Reverse(m.Apps)
	slices.Reverse(m.Files)
	slices.Reverse(m.Apps[0].SecureEnv)
	before := fmt.Sprint(m)
	if got := m.Encode(); !bytes.Equal(got, want) {
		t.Errorf("reversed manifest encodes to\n%s\nwant\n%s", got, want)
	}
	if fmt.Sprint(m) != before {
		t.Error("Encode changed the manifest it was called on")
	}
}

func TestDecodeManifestRefusesOtherText(t *testing.T) {
	t.Parallel()
	text := string(valid().Encode())
	for name, bad := range map[string]string{
		"nothing":        "",
		"null":           "null",
		"list":           "[]",
		"cut":            text[:len(text)/2],
		"text behind":    text + "{}",
		"unknown field":  strings.Replace(text, `"project"`, `"extra": 1, "project"`, 1),
		"repeated field": strings.Replace(text, `"project"`, `"project": "webstack", "project"`, 1),
		"other case":     strings.Replace(text, `"project"`, `"Project"`, 1),
		"other format":   strings.ReplaceAll(text, "\n", ""),
		"null list":      strings.Replace(text, `"secureEnv": [`, `"secureEnv": null, "x": [`, 1),
		"wrong type":     strings.Replace(text, `"port": 8080`, `"port": "8080"`, 1),
		"fraction":       strings.Replace(text, `"port": 8080`, `"port": 80.5`, 1),
		"other order":    strings.NewReplacer("blog", "shop", "shop", "blog").Replace(text),
		"too long":       text + strings.Repeat(" ", MaxManifestBytes),
	} {
		if bad == text {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := DecodeManifest([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	path := func(p string) func(*Manifest) { return func(m *Manifest) { m.Files[1].Path = p } }
	for want, change := range map[string]func(*Manifest){
		"version: 2 ":                      func(m *Manifest) { m.Version = 2 },
		"project: \"\"":                    func(m *Manifest) { m.Project = "" },
		"stack: \"a/b\"":                   func(m *Manifest) { m.Stack = "a/b" },
		"region: \"mars\"":                 func(m *Manifest) { m.Region = "mars" },
		"stackDir: \"opt\"":                func(m *Manifest) { m.StackDir = "opt" },
		"stackDir: \"/\"":                  func(m *Manifest) { m.StackDir = "/" },
		"stackDir: \"/opt/../etc\"":        func(m *Manifest) { m.StackDir = "/opt/../etc" },
		"postgresUser: \"\"":               func(m *Manifest) { m.PostgresUser = "" },
		"postgresDefaultDb: ":              func(m *Manifest) { m.PostgresDefaultDb = long },
		"apps[0].name: \"Blog\"":           func(m *Manifest) { m.Apps[0].Name = "Blog" },
		"apps[1].name: \"blog\"":           func(m *Manifest) { m.Apps[1].Name = "blog" },
		"apps[0].domain: ":                 func(m *Manifest) { m.Apps[0].Domain = "a b" },
		"apps[0].port: 0 ":                 func(m *Manifest) { m.Apps[0].Port = 0 },
		"apps[0].port: 65536 ":             func(m *Manifest) { m.Apps[0].Port = 65536 },
		"apps[0].healthPath: ":             func(m *Manifest) { m.Apps[0].HealthPath = "up" },
		"apps[0].repository: ":             func(m *Manifest) { m.Apps[0].Repository = "x y" },
		"apps[0].database: \"a\\nb\"":      func(m *Manifest) { m.Apps[0].Database = "a\nb" },
		"apps[0].startTimeoutSeconds: 0 ":  func(m *Manifest) { m.Apps[0].StartTimeoutSeconds = 0 },
		"apps[0].drainTimeoutSeconds: -1 ": func(m *Manifest) { m.Apps[0].DrainTimeoutSeconds = -1 },
		"apps[0].stopGraceSeconds: 0 ":     func(m *Manifest) { m.Apps[0].StopGraceSeconds = 0 },
		"apps[0].memoryMb: 5 ":             func(m *Manifest) { m.Apps[0].MemoryMb = 5 },
		"apps[0].secureEnv[0]: ":           func(m *Manifest) { m.Apps[0].SecureEnv[0] = "1A" },
		"apps[0].secureEnv[1]: ":           func(m *Manifest) { m.Apps[0].SecureEnv[1] = "API_KEY" },
		"files[1].path: \"\" ":             path(""),
		"files[1].path: \"/etc/x\" ":       path("/etc/x"),
		"files[1].path: \"../x\" ":         path("../x"),
		"files[1].path: \"..\" ":           path(".."),
		"files[1].path: \".\" ":            path("."),
		"files[1].path: \"a/../b\" ":       path("a/../b"),
		"files[1].path: \"a//b\" ":         path("a//b"),
		"files[1].path: \"a/\" ":           path("a/"),
		"files[1].path: \"a\\x00\" ":       path("a\x00"),
		"files[1].path: \"a\\\\b\" ":       path(`a\b`),
		"is a path that the host":          path("manifest.json"),
		"\"bundle/x\" is a path that":      path("bundle/x"),
		"\"lock\" is a path that":          path("lock"),
		"\"env/shop.env\" is a path":       path("env/shop.env"),
		"\"caddy/tls/x\" is a path":        path("caddy/tls/x"),
		"\"caddy\" is a path that":         path("caddy"),
		"is listed twice":                  path(HostProgramPath),
		"is in \"bin/webstackctl\"":        path(HostProgramPath + "/x"),
		"not a clean relative path":        path(strings.Repeat("a", MaxPathBytes+1)),
		"files[0].sha256: ":                func(m *Manifest) { m.Files[0].SHA256 = strings.ToUpper(m.Files[0].SHA256) },
		"files[0].size: -1 ":               func(m *Manifest) { m.Files[0].Size = -1 },
		"files[0].size: ":                  func(m *Manifest) { m.Files[0].Size = MaxFileBytes + 1 },
		"files[0].mode: \"4755\" ":         func(m *Manifest) { m.Files[0].Mode = "4755" },
	} {
		m := valid()
		change(&m)
		err := m.Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not contain %q", err, want)
		}
		if _, err := DecodeManifest(m.Encode()); err == nil {
			t.Errorf("DecodeManifest accepts what should say %q", want)
		}
	}
}

func TestValidateReportsAllAtOnce(t *testing.T) {
	t.Parallel()
	err := Manifest{}.Validate()
	for _, want := range []string{
		"version", "project", "stack", "region", "stackDir", "postgresUser", "postgresDefaultDb",
	} {
		if err == nil || !strings.Contains(err.Error(), want+": ") {
			t.Errorf("error of an empty manifest does not name %s: %v", want, err)
		}
	}
}

// A manifest that is accepted encodes to the very bytes that were read, and no file of it leaves the stack directory.
func FuzzDecodeManifest(f *testing.F) {
	f.Add(valid().Encode())
	f.Add([]byte(`{"version": 1, "files": [{"path": "../../etc/passwd"}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeManifest(b)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Encode(), b) {
			t.Errorf("Encode gives other bytes:\n%s\n%s", m.Encode(), b)
		}
		for _, file := range m.Files {
			full := Paths{StackDir: m.StackDir}.join(file.Path)
			if !strings.HasPrefix(full, m.StackDir+"/") {
				t.Errorf("file %q goes to %q", file.Path, full)
			}
		}
	})
}
