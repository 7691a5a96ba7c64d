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

	"webstack/local/cloud"
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
		if err := workdir.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, out, problems := call(t, string(dir), "local", "down")
	if status != ExitOK || !strings.Contains(out, "does not run") {
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
		{map[apitype.OpType]int{"same": 7}, "No changes: 7 resources are as they should be"},
		{map[apitype.OpType]int{"same": 7, "read": 1}, "No changes: 7 resources are as they should be"},
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
	watcher, stop := newProgress(t.Context(), &out).watch("Bringing up stack local")
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
		"Server i-1 [secret]",
		"Apps blog https://blog.localhost repo/blog", "shop https://shop.localhost repo/shop",
		"DNS shop.localhost A 192.0.2.1", "Buckets artifacts",
		"Resources aws:ec2 2, aws:s3 1, cloudflare 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestALogGetsWholeLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(t.Context(), &out)
	done := p.step("Compiling")
	p.say("%d of %d", 1, 2)
	done()
	if got, want := out.String(), "Compiling …\n1 of 2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATerminalsStatusLineMakesRoomForLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &progress{out: &out, live: true}
	done := p.step("Compiling")
	p.say("a line")
	done()
	want := "Compiling …\r\x1b[Ka line\nCompiling …\r\x1b[KCompiling: 0s\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
