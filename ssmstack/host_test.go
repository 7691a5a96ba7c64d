package ssmstack

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/internal/gobuild"
	"webstack/internal/pulumitest"
	"webstack/internal/scripttest"
)

// content is what these tests read of a document.
type content struct {
	Parameters map[string]struct{ AllowedPattern string }
	MainSteps  []struct {
		Name   string
		Inputs struct{ RunCommand []string }
	}
}

func parse(t *testing.T, document pulumitest.Resource) content {
	t.Helper()
	var out content
	if err := json.Unmarshal([]byte(document.Text("content")), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScriptsAreSound(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "ssm"), options)
	for _, document := range recorder.ByType(documentType) {
		for _, step := range parse(t, document).MainSteps {
			t.Run(document.Name+"/"+step.Name, func(t *testing.T) {
				t.Parallel()
				scripttest.Check(t, step.Inputs.RunCommand[0])
			})
		}
	}
}

// cloud is a made-up account: metadata of an instance, and storage with a bundle that holds a real host program.
type cloud struct {
	url      string
	objects  map[string][]byte
	manifest string // its sum
	program  string // its sum
}

// roleCredentials are in the form that the metadata service writes.
const roleCredentials = `{
  "Code" : "Success",
  "AccessKeyId" : "ASIA",
  "SecretAccessKey" : "s3cr3t",
  "Token" : "session",
  "Expiration" : "2999-01-01T00:00:00Z"
}`

func file(path string, text []byte, mode string) contract.File {
	return contract.File{Path: path, SHA256: contract.Sum(text), Size: int64(len(text)), Mode: mode}
}

func newCloud(t *testing.T, stackDir string) *cloud {
	t.Helper()
	path, err := gobuild.Host(t.Context(), "..", runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compose := []byte("services: {}\n")
	manifest := contract.Manifest{
		Version: contract.Version, Project: "webstack", Stack: "test", Region: pulumitest.Region, StackDir: stackDir,
		PostgresUser: "postgres", PostgresDefaultDb: "app", Files: []contract.File{
			file(contract.HostProgramPath, program, contract.ModeProgram),
			file(contract.ComposePath, compose, contract.ModeData),
		},
	}.Encode()
	c := &cloud{manifest: contract.Sum(manifest), program: contract.Sum(program), objects: map[string][]byte{
		contract.ManifestKey:                 manifest,
		"bundle/" + contract.HostProgramPath: program,
		"bundle/" + contract.ComposePath:     compose,
	}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const roles = "/latest/meta-data/iam/security-credentials/"
	switch r.URL.Path {
	case "/latest/api/token":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		_, _ = w.Write([]byte("TOKEN"))
	case roles:
		_, _ = w.Write([]byte("host"))
	case roles + "host":
		_, _ = w.Write([]byte(roleCredentials))
	default:
		object, ok := c.objects[strings.TrimPrefix(r.URL.Path, "/artifacts/")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(object)
	}
}

// run runs a script as an agent would that pastes parameters.
func (c *cloud) run(t *testing.T, script string, parameters map[string]string) (string, error) {
	t.Helper()
	for name, value := range parameters {
		script = strings.ReplaceAll(script, "{{ "+name+" }}", value)
	}
	command := exec.CommandContext(t.Context(), "bash")
	command.Stdin = strings.NewReader(script)
	command.Env = []string{"PATH=/usr/bin:/bin", "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + c.url, "AWS_ENDPOINT_URL=" + c.url}
	out, err := command.CombinedOutput()
	return string(out), err
}

// The document's script brings up a host that has nothing: it fetches the host program, which applies the bundle.
func TestConvergeStepOnAnEmptyHost(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "stack")
	c := newCloud(t, dir)
	recorder := pulumitest.MustRun(t, program(args(func(a *Args) { a.StackDir = dir }), "ssm"), options)
	steps := parse(t, recorder.One(t, documentType, "ssm-converge")).MainSteps
	script := steps[len(steps)-1].Inputs.RunCommand[0]
	parameters := map[string]string{
		"bucket": "artifacts", "manifestSha256": c.manifest, "hostProgramSha256": c.program,
	}
	for _, want := range []string{": 1 of 2 files changed", ": 0 of 2 files changed"} {
		out, err := c.run(t, script, parameters)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, printed, wanted %q:\n%s", err, want, out)
		}
		if strings.Contains(out, "s3cr3t") {
			t.Error("the output shows the secret key")
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, contract.ComposePath)); err != nil || string(text) != "services: {}\n" {
		t.Errorf("compose file %q, %v", text, err)
	}
	parameters["manifestSha256"] = contract.Sum([]byte("another"))
	if out, err := c.run(t, script, parameters); err == nil || !strings.Contains(out, "run pulumi up") {
		t.Errorf("%v, printed:\n%s", err, out)
	}
}
