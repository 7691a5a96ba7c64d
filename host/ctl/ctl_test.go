package ctl

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/host/boot"
	"webstack/host/internal/s3test"
	"webstack/host/volume"
)

var fake cloud

func TestMain(m *testing.M) {
	server := httptest.NewServer(&fake)
	s3test.SetEnvironment(server.URL)
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
	converge := func(args ...string) []string { return append([]string{"converge", "--volume", volumeID}, args...) }
	for want, args := range map[string][]string{
		"no command given":          {},
		`unknown command "upload"`:  {"upload"},
		`--bucket: "-" is not`:      {"restore", "--bucket", "-", "shop"},
		`--action "z" is not`:       {"restore", "--action", "z", "shop"},
		`--command "y" is not`:      {"restore", "--action", "watch", "--command", "y"},
		`restore []: use the name`:  {"restore", "--bucket", "bucket"},
		`restore ["shop"]: use`:     {"restore", "--bucket", "bucket", "--all", "shop"},
		`restore "Shop": use`:       {"restore", "--bucket", "bucket", "Shop"},
		`restore ["a" "b"]: use`:    {"restore", "--bucket", "bucket", "--action", "forget", "a", "b"},
		`--at: "latest" is not`:     {"restore", "--bucket", "bucket", "--action", "forget", "--at", "latest", "shop"},
		`--bucket: "" is not`:       {"backup"},
		`--action "y" is not`:       {"backup", "--action", "y"},
		`--command "x" is not`:      {"backup", "--action", "watch", "--command", "x"},
		`backup "Shop": use`:        {"backup", "--bucket", "bucket", "Shop"},
		`deploy "": use the name`:   {"deploy"},
		`deploy: unexpected`:        {"deploy", "shop", "v1"},
		`--release: read release`:   {"deploy", "shop", "--release", "a b"},
		`--release: read rele`:      {"deploy", "shop"},
		`--action "x" is not`:       {"deploy", "shop", "--action", "x"},
		`--command "" is not`:       {"deploy", "shop", "--action", "watch"},
		`exec "Shop": use`:          {"exec", "Shop", "--", "ls"},
		`exec shop: no command`:     {"exec", "shop", "--new"},
		`maintenance shop "": use`:  {"maintenance", "shop"},
		`maintenance shop "x": use`: {"maintenance", "shop", "x"},
		`--message-base64: it is`:   {"maintenance", "shop", "on", "--message-base64", "?"},
		`unexpected argument "now"`: {"version", "now"},
		"version: flag provided":    {"version", "--bucket", "x"},
		"flag provided but not":     {"converge", "--force"},
		"flag needs an argument":    {"converge", "--bucket"},
		`--bucket: ""`:              converge("--manifest-sha256", sum),
		`--bucket: "a/b"`:           converge("--bucket", "a/b", "--manifest-sha256", sum),
		`--manifest-sha256: ""`:     converge("--bucket", "bucket"),
		`--manifest-sha256: "AB"`:   converge("--bucket", "bucket", "--manifest-sha256", "AB"),
		`--stack-dir: "opt"`:        converge("--bucket", "bucket", "--manifest-sha256", sum, "--stack-dir", "opt"),
		`--stack-dir: "/"`:          converge("--bucket", "bucket", "--manifest-sha256", sum, "--stack-dir", "/"),
		`unexpected argument "x"`:   converge("--bucket", "bucket", "--manifest-sha256", sum, "x"),
		`--volume: ""`:              {"mount"},
		`--volume: "vol-1"`:         {"converge", "--volume", "vol-1"},
		`--wait -1s`:                {"mount", "--volume", volumeID, "--wait", "-1s"},
		`--stack-dir: "x"`:          {"status", "--stack-dir", "x"},
		`logs "": use the name`:     {"logs"},
		`logs "Shop": use`:          {"logs", "Shop"},
		`--lines 0`:                 {"logs", "shop", "--lines", "0"},
		`--since "-p"`:              {"logs", "shop", "--since", "-p"},
		`unexpected argument "b"`:   {"logs", "shop", "b"},
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
	compose := []byte("services: {}\n")
	file := contract.File{
		Path: contract.ComposePath, SHA256: contract.Sum(compose), Size: int64(len(compose)), Mode: contract.ModeData,
	}
	manifest := contract.Manifest{
		Version: contract.Version, Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: dir,
		PostgresUser: "postgres", PostgresDefaultDb: "app", Files: []contract.File{file}, Notify: contract.Notify{Slack: true},
	}.Encode()
	bucket.Put(contract.ManifestKey, manifest)
	fake.parameters.Put(contract.SlackWebhookParam("/webstack/dev"), "https://hooks.example.com/canary")
	var told []string
	web := &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		told = append(told, r.URL.Host+" "+string(body))
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, err
	})}
	system, programs := machine(t)
	run := func() (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = Command{Stdout: &out, Stderr: &errs, Run: programs, Root: t.TempDir(), System: system, Web: web}.Main([]string{
			"converge", "--volume", volumeID, "--bucket", bucket.Name, "--manifest-sha256", contract.Sum(manifest),
			"--stack-dir", dir, "--region", "eu-west-1",
		})
		return code, out.String(), errs.String()
	}
	if code, stdout, stderr := run(); code != ExitFailed || !strings.Contains(stderr, file.Key()) {
		t.Errorf("without the file: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	bucket.Put(file.Key(), compose)
	password := contract.PostgresPasswordParam("/webstack/dev")
	if code, stdout, stderr := run(); code != ExitFailed || !strings.Contains(stdout, "wrote "+contract.ComposePath) ||
		!strings.Contains(stderr, password+": it does not exist") {
		t.Errorf("without a password: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	fake.parameters.Put(password, "canary-password")
	code, stdout, stderr := run()
	if code != ExitFailed || !strings.Contains(stdout, "wrote "+contract.PostgresPasswordPath) ||
		!strings.Contains(stderr, "webstackctl: start postgres") || strings.Contains(stdout+stderr, "canary") {
		t.Errorf("without services: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], `hooks.example.com {"text":"*webstack/dev: the host does not work`) ||
		!strings.Contains(told[0], file.Key()) {
		t.Errorf("people were told %q", told)
	}
	if text, err := os.ReadFile(filepath.Join(dir, contract.ComposePath)); err != nil || !bytes.Equal(text, compose) {
		t.Errorf("read %q, error %v", text, err)
	}
}

// transport is a function that answers requests.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestStatusOfAHostInTrouble(t *testing.T) {
	t.Parallel()
	_, programs := machine(t)
	for _, args := range [][]string{{"status", "--json"}, {"status"}} {
		var out, errs bytes.Buffer
		code := Command{Stdout: &out, Stderr: &errs, Run: programs, Root: t.TempDir()}.Main(
			append(args, "--stack-dir", filepath.Join(t.TempDir(), "none")))
		if code != ExitOK || errs.Len() > 0 {
			t.Errorf("%v: exit code %d, stderr %q", args, code, errs.String())
		}
		if len(args) == 1 {
			if !strings.Contains(out.String(), "Postgres ready       NO") {
				t.Errorf("printed:\n%s", out.String())
			}
			continue
		}
		s, err := contract.DecodeStatus(out.String())
		if err != nil || s.DataMounted || s.PostgresReady || s.Docker != "" || s.Manifest != "" {
			t.Errorf("got %+v, %v", s, err)
		}
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
		" mount ", " converge ", " deploy ", " backup ", " exec ", " maintenance ", " status ", " logs ", " version\n", " help\n", "--volume", "--wait", "--json", "--lines",
		"--since", "--timestamps", "--bucket", "--manifest-sha256", "--stack-dir", "--region",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %q", want)
		}
	}
}

// The units call the program in ways that it knows: a flag too many is all that is wrong.
func TestCommandsOfUnitsAreAccepted(t *testing.T) {
	t.Parallel()
	const dir = "/srv/apps/webstack"
	for _, line := range []string{volume.BootCommand(dir, "vol-0123456789abcdef0"), boot.UpCommand(dir), boot.DownCommand(dir)} {
		words := strings.Fields(line)
		if words[0] != dir+"/bin/webstackctl" || !slices.Contains(words, "--stack-dir") {
			t.Errorf("command: %q", words)
		}
		code, _, stderr := run(append(words[1:], "--no-such-flag")...)
		if code != ExitUsage || !strings.Contains(stderr, "not defined: -no-such-flag") {
			t.Errorf("%s: exit code %d, %s", line, code, stderr)
		}
	}
}
