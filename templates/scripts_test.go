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
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"webstack/internal/scripttest"
)

// preamble is what stands before a script's body on the host.
const preamble = "#!/bin/bash\nset -Eeuo pipefail\nbucket=b hostProgramSha256=0\n" +
	"export bucket hostProgramSha256\n"

// sample is what scripts are filled in with.
var sample = Script{Region: "us-east-1", StackDir: "/opt/webstack", HostProgram: "/opt/webstack/bin/webstackctl"}

func TestScriptsAreSound(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"user data": UserData, "docker": preamble + sample.Docker(), "mount": preamble + "dataVolumeId=vol-0\n" + sample.Mount(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scripttest.Check(t, script)
		})
	}
}

// EC2 takes 16 KB of user data.
func TestUserDataIsSmall(t *testing.T) {
	t.Parallel()
	if len(UserData) > 16*1024 || !strings.HasPrefix(UserData, "#!/bin/bash\n") {
		t.Errorf("%d bytes, beginning with %.20q", len(UserData), UserData)
	}
}

// host is a made-up host: its metadata service, its storage, and its stack directory.
type host struct {
	dir     string
	program []byte // in the bucket
	url     string

	mu      sync.Mutex
	fetched int
	denied  int    // how often the storage still refuses the role
	problem string // of a request to the storage
}

func newHost(t *testing.T, program string) *host {
	t.Helper()
	h := &host{dir: t.TempDir(), program: []byte(program)}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("TOKEN"))
	})
	const roles = "/latest/meta-data/iam/security-credentials/"
	mux.HandleFunc("GET "+roles+"{role...}", func(w http.ResponseWriter, r *http.Request) {
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
		h.mu.Lock()
		defer h.mu.Unlock()
		h.fetched++
		h.problem += verify(r)
		if h.denied > 0 {
			h.denied--
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write(h.program)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// verify signs the request again, as S3 does, and says what differs.
func verify(r *http.Request) string {
	date, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "the request has no date"
	}
	if r.Header.Get("X-Amz-Content-Sha256") != sumOf("") {
		return "the request does not say that its body is empty"
	}
	signed := &http.Request{Method: r.Method, Host: r.Host, URL: r.URL, Header: http.Header{}}
	_, list, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	for _, name := range strings.Split(list, ";") {
		if name != "host" {
			signed.Header.Set(name, r.Header.Get(name))
		}
	}
	credentials := aws.Credentials{AccessKeyID: "ASIAKEY", SecretAccessKey: "s3cr3t/+key", SessionToken: "session=="}
	err = v4.NewSigner().SignHTTP(r.Context(), credentials, signed, r.Header.Get("X-Amz-Content-Sha256"), "s3",
		"us-east-1", date, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		return err.Error()
	}
	// curl leaves out the spaces between the parts.
	want := strings.ReplaceAll(signed.Header.Get("Authorization"), ", ", ",")
	if got := strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","); got != want {
		return "the request is signed as " + got + ", want " + want
	}
	return ""
}

// bootstrap runs the script as the host would, wanting that sum.
func (h *host) bootstrap(t *testing.T, sum string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash")
	command.Stdin = strings.NewReader("set -Eeuo pipefail\n" + Script{}.render("bootstrap.sh"))
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
	if h.problem != "" {
		t.Error(h.problem)
	}
}

// IAM takes a while to tell everybody what a new role may do.
func TestBootstrapWaitsForItsRights(t *testing.T) {
	t.Parallel()
	h := newHost(t, "program")
	h.denied = 2
	if out, err := h.bootstrap(t, sumOf("program")); err != nil || h.fetched != 3 {
		t.Errorf("%v, asked %d times\n%s", err, h.fetched, out)
	}
}

// The association and a person may run the document at the same time.
func TestBootstrapsTakeTurns(t *testing.T) {
	t.Parallel()
	h := newHost(t, strings.Repeat("program", 100_000))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if out, err := h.bootstrap(t, sumOf(string(h.program))); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	if h.fetched != 1 {
		t.Errorf("fetched %d times", h.fetched)
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
