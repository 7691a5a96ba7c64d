package ssmstack

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
	"webstack/host/ctl"
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

// cloud is a made-up account: metadata of an instance, and storage with a host program.
type cloud struct {
	url     string
	program string
	sum     string
}

// roleCredentials are in the form that the metadata service writes.
const roleCredentials = `{
  "Code" : "Success",
  "AccessKeyId" : "ASIA",
  "SecretAccessKey" : "s3cr3t",
  "Token" : "session",
  "Expiration" : "2999-01-01T00:00:00Z"
}`

func newCloud(t *testing.T, program string) *cloud {
	t.Helper()
	c := &cloud{program: program, sum: contract.Sum([]byte(program))}
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
	case "/artifacts/" + contract.BundlePrefix + contract.HostProgramPath:
		_, _ = w.Write([]byte(c.program))
	default:
		w.WriteHeader(http.StatusNotFound)
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

// The documents' scripts bring up a host that has nothing: they fetch the host program and call it for every part of the
// work. Here it is a program that only writes down its arguments.
func TestConvergeStepsOnAnEmptyHost(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "stack")
	c := newCloud(t, "#!/bin/sh\necho \"$@\" >>\"$0.calls\"\n")
	recorder := pulumitest.MustRun(t, program(args(func(a *Args) { a.StackDir = dir }), "ssm"), options)
	parameters := map[string]string{
		"bucket": "artifacts", "manifestSha256": strings.Repeat("a", 64), "hostProgramSha256": c.sum,
		"dataVolumeId": "vol-0123456789abcdef0", "app": "shop", "lines": "10", "since": "5m",
	}
	for _, document := range []string{"ssm-converge", "ssm-status", "ssm-logs"} {
		for _, step := range parse(t, recorder.One(t, documentType, document)).MainSteps {
			if step.Name == "docker" {
				continue
			}
			out, err := c.run(t, step.Inputs.RunCommand[0], parameters)
			if err != nil {
				t.Errorf("%s/%s: %v\n%s", document, step.Name, err, out)
			}
			if strings.Contains(out, "s3cr3t") {
				t.Error("the output shows the secret key")
			}
		}
	}
	calls, err := os.ReadFile(filepath.Join(dir, contract.HostProgramPath) + ".calls")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"mount --volume vol-0123456789abcdef0 --stack-dir " + dir,
		"converge --region " + pulumitest.Region + " --stack-dir " + dir +
			" --volume vol-0123456789abcdef0 --bucket artifacts --manifest-sha256 " + strings.Repeat("a", 64),
		"status --json --stack-dir " + dir,
		"logs shop --lines 10 --since 5m --timestamps --stack-dir " + dir, "",
	}, "\n")
	if diff := cmp.Diff(want, string(calls)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	// The real host program knows the commands and their flags. A flag too many keeps it from doing anything.
	for call := range strings.Lines(string(calls)) {
		var errs bytes.Buffer
		code := ctl.Command{Stdout: io.Discard, Stderr: &errs}.Main(append(strings.Fields(call), "--no-such-flag"))
		if code != ctl.ExitUsage || !strings.Contains(errs.String(), "not defined: -no-such-flag") {
			t.Errorf("%s: exit code %d, %s", call, code, errs.String())
		}
	}
}
