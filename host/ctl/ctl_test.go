package ctl

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/host/internal/fakes3"
)

var fake fakes3.Server

func TestMain(m *testing.M) {
	server := httptest.NewServer(&fake)
	fakes3.SetEnvironment(server.URL)
	code := m.Run()
	server.Close()
	os.Exit(code)
}

func run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Command{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}.Main(args)
	return code, out.String(), errs.String()
}

func TestHelpIsSuccess(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"help"}, {"-h"}, {"--help"}, {"converge", "--help"}, {"converge", "-h"}, {"version", "-h"},
	} {
		code, stdout, stderr := run(args...)
		if code != ExitOK || stdout != help || stderr != "" {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := run("version")
	if code != ExitOK || !strings.HasPrefix(stdout, "webstackctl: bundle format 1, go1.") || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	sum := contract.Sum(nil)
	for want, args := range map[string][]string{
		"no command given":          {},
		`unknown command "deploy"`:  {"deploy", "shop", "v1"},
		`unexpected argument "now"`: {"version", "now"},
		"version: flag provided":    {"version", "--bucket", "x"},
		"flag provided but not":     {"converge", "--force"},
		"flag needs an argument":    {"converge", "--bucket"},
		`--bucket ""`:               {"converge", "--manifest-sha256", sum},
		`--bucket "a/b"`:            {"converge", "--bucket", "a/b", "--manifest-sha256", sum},
		`--manifest-sha256 ""`:      {"converge", "--bucket", "bucket"},
		`--manifest-sha256 "AB"`:    {"converge", "--bucket", "bucket", "--manifest-sha256", "AB"},
		`--stack-dir "opt"`:         {"converge", "--bucket", "bucket", "--manifest-sha256", sum, "--stack-dir", "opt"},
		`--stack-dir "/"`:           {"converge", "--bucket", "bucket", "--manifest-sha256", sum, "--stack-dir", "/"},
		`unexpected argument "x"`:   {"converge", "--bucket", "bucket", "--manifest-sha256", sum, "x"},
	} {
		code, stdout, stderr := run(args...)
		if code != ExitUsage || stdout != "" || !strings.Contains(stderr, want) ||
			!strings.Contains(stderr, "run webstackctl help") {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

func TestConverge(t *testing.T) {
	t.Parallel()
	bucket := fake.Bucket()
	dir := filepath.Join(t.TempDir(), "stack")
	file := contract.File{
		Path: contract.ComposePath, SHA256: contract.Sum([]byte("text")), Size: 4, Mode: contract.ModeData,
	}
	manifest := contract.Manifest{
		Version: contract.Version, Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: dir,
		PostgresUser: "postgres", PostgresDefaultDb: "app", Files: []contract.File{file},
	}.Encode()
	args := []string{
		"converge", "--bucket", bucket.Name, "--manifest-sha256", contract.Sum(manifest), "--stack-dir", dir,
		"--region", "eu-west-1",
	}
	bucket.Put(contract.ManifestKey, manifest)
	code, stdout, stderr := run(args...)
	if code != ExitFailed || stdout != "" || !strings.Contains(stderr, file.Key()) {
		t.Errorf("without the file: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	bucket.Put(file.Key(), []byte("text"))
	code, stdout, stderr = run(args...)
	if code != ExitOK || !strings.Contains(stdout, "wrote "+contract.ComposePath) || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if text, err := os.ReadFile(filepath.Join(dir, contract.ComposePath)); err != nil || string(text) != "text" {
		t.Errorf("read %q, error %v", text, err)
	}
}

// The help names every command and flag there is, and no other.
func TestHelpListsWhatExists(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(help) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "webstackctl" || !strings.HasPrefix(line, "  ") {
			continue
		}
		if _, _, stderr := run(words[1], "-no-such-flag"); strings.Contains(stderr, "unknown command") {
			t.Errorf("help lists %q, which does not exist", words[1])
		}
	}
	for _, want := range []string{
		" converge ", " version\n", " help\n", "--bucket", "--manifest-sha256", "--stack-dir", "--region",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %q", want)
		}
	}
}
