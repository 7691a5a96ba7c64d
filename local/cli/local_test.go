package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/internal/atomicfile"
	"webstack/internal/command"
	"webstack/local/cloud"
	"webstack/local/engine"
	"webstack/local/machine"
	"webstack/local/workdir"
)

// clone makes a folder that counts as a clone.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: shop\nruntime: go\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDownWithoutACloudRemovesWhatIsLeft(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(clone(t))
	tool := filepath.Join(dir.Bin(), "pulumi")
	for _, path := range []string{filepath.Join(dir.State(), "meta.yaml"), dir.LocalEnv(), dir.CloudLog(), tool} {
		if err := atomicfile.Write(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, out, problems := call(t, string(dir), "down")
	if status != command.ExitOK || !strings.Contains(out, "is not running") {
		t.Fatalf("status %d, printed %q and %q", status, out, problems)
	}
	for _, path := range []string{dir.State(), dir.LocalEnv(), dir.Run()} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", path)
		}
	}
	if _, err := os.Stat(tool); err != nil {
		t.Errorf("the built tool is gone: %v", err)
	}
}

func TestChangesText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		changes map[apitype.OpType]int
		want    string
	}{
		{map[apitype.OpType]int{"same": 7}, "No changes: 7 resources are up to date"},
		{map[apitype.OpType]int{"same": 7, "read": 1}, "No changes: 7 resources are up to date"},
		{map[apitype.OpType]int{"create": 3}, "Resources: 3 created"},
		{map[apitype.OpType]int{"update": 1, "create": 2, "delete": 1, "same": 9},
			"Resources: 2 created, 1 deleted, 1 updated, 9 unchanged"},
	}
	for _, test := range tests {
		if got := changesText(test.changes); got != test.want {
			t.Errorf("changesText(%v) = %q, want %q", test.changes, got, test.want)
		}
	}
}

func TestEventsBecomeLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	watcher, stop := watch(command.NewProgress(t.Context(), &out), "Bringing up stack local")
	step := func(op apitype.OpType, token, name string) apitype.StepEventMetadata {
		return apitype.StepEventMetadata{Op: op, Type: token, URN: "urn:pulumi:local::shop::" + token + "::" + name}
	}
	vpc, bucket := step("create", "aws:ec2/vpc:Vpc", "main"), step("same", "aws:s3/bucketV2:BucketV2", "artifacts")
	role := step("update", "aws:iam/role:Role", "host")
	for _, event := range []apitype.EngineEvent{
		{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: vpc}},
		{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: vpc}},
		{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: bucket}},
		{ResOpFailedEvent: &apitype.ResOpFailedEvent{Metadata: role}},
		{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "info", Message: "building\n"}},
		{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "info", Message: "half way", Ephemeral: true}},
		{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "error", Message: "comes at the end"}},
		{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "warning", Message: "<{%fg 3%}>old<{%reset%}> engine\n"}},
	} {
		watcher.event(events.EngineEvent{EngineEvent: event})
	}
	stop()
	var got [][]string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Fields(line))
	}
	got[1] = got[1][:4] // without the time it took
	want := [][]string{
		{"Bringing", "up", "stack", "local", "…"},
		{"+", "created", "aws:ec2:Vpc", "main"},
		{"!", "failed", "aws:iam:Role", "host"},
		{"building"},
		{"warning:", "old", "engine"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestTablesShowWhatExistsAndNoSecret(t *testing.T) {
	t.Parallel()
	outputs := auto.OutputMap{
		"web_instance_id":     {Value: "i-1"},
		"web_public_ip":       {Value: "s3cret", Secret: true},
		"app_urls":            {Value: map[string]any{"shop": "https://shop.localhost", "blog": "https://blog.localhost"}},
		"ecr_repository_urls": {Value: map[string]any{"shop": "repo/shop", "blog": "repo/blog"}},
	}
	record := map[string]any{"hostname": "shop.localhost", "type": "A", "content": "192.0.2.1"}
	resources := []apitype.ResourceV3{
		{Type: "pulumi:providers:aws", Custom: true},
		{Type: "webstack:network:Network"},
		{Type: "aws:ec2/vpc:Vpc", Custom: true},
		{Type: "aws:ec2/subnet:Subnet", Custom: true},
		{Type: "aws:s3/bucketV2:BucketV2", Custom: true, ID: "artifacts"},
		{Type: "cloudflare:index/record:Record", Custom: true, Outputs: record},
	}
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	writeServer(table, cloud.Info{}, outputs)
	writeApps(table, outputs, resources, machine.Addresses{})
	writeList(table, "Buckets", idsOf(resources, "aws:s3/bucketV2:BucketV2"))
	writeCounts(table, resources)
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"Host i-1 [secret]",
		"Apps blog https://blog.localhost repo/blog", "shop https://shop.localhost repo/shop",
		"DNS shop.localhost A 192.0.2.1", "Buckets artifacts",
		"Resources aws:ec2 2, aws:s3 1, cloudflare 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// call runs the command in dir and returns its exit status and what it printed.
func call(t *testing.T, dir string, args ...string) (status int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = Command{Stdout: &stdout, Stderr: &stderr, Dir: dir}.Main(args)
	return status, stdout.String(), stderr.String()
}

func TestHelpSucceeds(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"--help"}, {"up", "-h"}, {"help", "preview"}} {
		status, out, problems := call(t, t.TempDir(), args...)
		if status != command.ExitOK || !strings.Contains(out, "Usage:\n  webstack-local ") || problems != "" {
			t.Errorf("%q: status %d, printed %q and %q", args, status, out, problems)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"webstack-local needs a command": {},
		`unknown command "start"`:        {"start"},
		"Did you mean this?\n\tdown":     {"dwon"},
		`unexpected argument "now"`:      {"up", "now"},
		"up: unknown flag: --force":      {"up", "--force"},
		"did you mean --full?":           {"preview", "--ful"},
	} {
		status, out, problems := call(t, t.TempDir(), args...)
		if status != command.ExitUsage || out != "" || !strings.Contains(problems, want) ||
			!strings.Contains(problems, "Run webstack-local help") {
			t.Errorf("%q: status %d, printed %q and %q", args, status, out, problems)
		}
	}
}

func TestOutsideACloneTheErrorSaysSo(t *testing.T) {
	t.Parallel()
	status, _, problems := call(t, t.TempDir(), "up")
	if status != command.ExitFailed || !strings.Contains(problems, "run this inside one") {
		t.Errorf("status %d, printed %q", status, problems)
	}
}

func TestWithoutACloudStatusAndRefreshSayHowToStartOne(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"status", "refresh"} {
		status, _, problems := call(t, clone(t), action)
		if status != command.ExitFailed || !strings.Contains(problems, "start it with: make up") {
			t.Errorf("%s: status %d, printed %q", action, status, problems)
		}
	}
}

func TestDiagnosticsDoNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	watcher, stop := watch(command.NewProgress(t.Context(), &out), "Bringing up")
	watcher.event(events.EngineEvent{EngineEvent: apitype.EngineEvent{
		DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "warning", Message: "a\x1b[1A\x1b]52;c;cm0=\x07\r\u009b8m"},
	}})
	stop()
	if text := out.String(); strings.ContainsAny(text, "\x1b\x07\r\u009b") || !strings.Contains(text, `\u001b`) {
		t.Errorf("%q", text)
	}
}

func TestAFailedRunSaysWhatStays(t *testing.T) {
	t.Parallel()
	failed := &engine.RunError{Operation: "bring up", Problems: []string{"why"}}
	if got := upFailed(failed).Error(); got != "bring up the stack: why" {
		t.Errorf("nothing was done: %q", got)
	}
	failed.Done = 3
	if got := upFailed(failed).Error(); !strings.Contains(got, "why\n\nthe 3 resources that were changed stay") {
		t.Errorf("something was done: %q", got)
	}
	if other := errors.New("other"); !errors.Is(upFailed(other), other) {
		t.Error("another error was lost")
	}
}
