package templates

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// preamble is what stands before a script's body on the host.
const preamble = "#!/bin/bash\nset -Eeuo pipefail\nbucket=b hostProgramSha256=0 stackDir=/nowhere region=us-east-1\n" +
	"export bucket hostProgramSha256 stackDir region\n"

func TestScriptsAreSound(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"user data": UserData, "docker": preamble + DockerScript, "bootstrap": preamble + BootstrapScript,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, script, "bash", "-n")
			if _, err := exec.LookPath("shellcheck"); err != nil {
				t.Skip("shellcheck is not installed; bash itself finds no fault")
			}
			check(t, script, "shellcheck", "-")
		})
	}
}

func check(t *testing.T, script, name string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Stdin = strings.NewReader(script)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

// host is a made-up host: its metadata service, its storage, and its stack directory.
type host struct {
	dir     string
	program []byte // in the bucket
	fetched int
	auth    string // of the last request to the storage
	url     string
}

func newHost(t *testing.T, program string) *host {
	t.Helper()
	h := &host{dir: t.TempDir(), program: []byte(program)}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("TOKEN")) })
	mux.HandleFunc("GET /latest/meta-data/iam/security-credentials/{role...}", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-aws-ec2-metadata-token") != "TOKEN":
			w.WriteHeader(http.StatusUnauthorized)
		case r.PathValue("role") == "":
			_, _ = w.Write([]byte("the-role"))
		default:
			_, _ = w.Write([]byte("{\n  \"Code\" : \"Success\",\n  \"AccessKeyId\" : \"ASIAKEY\",\n" +
				"  \"SecretAccessKey\" : \"s3cr3t/+key\",\n  \"Token\" : \"session==\"\n}"))
		}
	})
	mux.HandleFunc("GET /artifacts/bundle/bin/webstackctl", func(w http.ResponseWriter, r *http.Request) {
		h.fetched++
		h.auth = r.Header.Get("Authorization") + " " + r.Header.Get("X-Amz-Security-Token")
		_, _ = w.Write(h.program)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// bootstrap runs the script as the host would, wanting that sum.
func (h *host) bootstrap(t *testing.T, sum string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash")
	command.Stdin = strings.NewReader("set -Eeuo pipefail\n" + BootstrapScript)
	command.Env = append(os.Environ(), "AWS_EC2_METADATA_SERVICE_ENDPOINT="+h.url, "AWS_ENDPOINT_URL="+h.url,
		"bucket=artifacts", "region=us-east-1", "stackDir="+h.dir, "hostProgramSha256="+sum)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	return out.String(), err
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestBootstrapFetchesTheProgramOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t, "program")
	for range 2 {
		if out, err := h.bootstrap(t, sumOf("program")); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	installed, err := os.ReadFile(filepath.Join(h.dir, "bin", "webstackctl"))
	if err != nil || string(installed) != "program" || h.fetched != 1 {
		t.Errorf("installed %q, %v, fetched %d times", installed, err, h.fetched)
	}
	if !strings.Contains(h.auth, "Credential=ASIAKEY/") || !strings.Contains(h.auth, "/us-east-1/s3/aws4_request") ||
		!strings.HasSuffix(h.auth, "session==") {
		t.Errorf("the request was signed as %q", h.auth)
	}
}

func TestBootstrapRefusesAnotherProgram(t *testing.T) {
	t.Parallel()
	h := newHost(t, "tampered")
	if err := os.MkdirAll(filepath.Join(h.dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.dir, "bin", "webstackctl")
	if err := os.WriteFile(path, []byte("older"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := h.bootstrap(t, sumOf("program"))
	if err == nil || !strings.Contains(out, "nothing was changed") {
		t.Errorf("%v\n%s", err, out)
	}
	if installed, err := os.ReadFile(path); err != nil || string(installed) != "older" {
		t.Errorf("installed %q, %v", installed, err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if strings.Contains(out, "s3cr3t") {
		t.Error("the output shows the secret key")
	}
}
