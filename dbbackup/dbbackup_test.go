package dbbackup

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/golden"
	"webstack/internal/pulumitest"
	"webstack/internal/scripttest"
)

func args(edits ...func(*Args)) *Args {
	out := &Args{
		Project: "webstack", Stack: "test", NamePrefix: "webstack-test", RetentionDays: 30,
		StackDir: "/opt/webstack", Schedule: "cron(15 3 ? * * *)",
		HostRoleArn: "arn:aws:iam::123456789012:role/webstack-test-host",
	}
	for _, edit := range edits {
		edit(out)
	}
	return out
}

func program(args *Args, names ...string) pulumi.RunFunc {
	return pulumitest.Component(New, args, []pulumitest.Provider{pulumitest.AWS}, names...)
}

var options = pulumitest.Options{Outputs: pulumitest.AWSOutputs}

func TestDbBackup(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(), "backup"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
		recorder.CheckShape(t)
		golden.Compare(t, recorder.Dump(t), ".json")
	})
}

// What may be the only copy stays, with all that guards it. It is not protected, which would keep a run from turning
// backups off.
func TestBucketIsRetained(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "backup"), options)
	for _, found := range recorder.All() {
		if found.Type == "aws:s3/bucketV2:BucketV2" &&
			(found.Request.GetProtect() || found.Input("forceDestroy").BoolValue()) {
			t.Error("the bucket is protected, or emptied with the stack")
		}
		if found.Custom && found.Type[:7] == "aws:s3/" && !found.Request.GetRetainOnDelete() {
			t.Errorf("%s %s is not retained", found.Type, found.Name)
		}
	}
}

func TestGivenBucketName(t *testing.T) {
	t.Parallel()
	given := args(func(a *Args) { a.BucketName = "our-backups" })
	recorder := pulumitest.MustRun(t, program(given, "backup"), options)
	if name := recorder.ByType("aws:s3/bucketV2:BucketV2")[0].Text("bucket"); name != "our-backups" {
		t.Errorf("bucket %q", name)
	}
}

// A change of the config must not start a backup in the middle of the day.
func TestScheduleWaitsForItsTime(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "backup"), options)
	association := recorder.One(t, "aws:ssm/association:Association", "backup-backup")
	if got := association.Text("scheduleExpression"); got != "cron(15 3 ? * * *)" ||
		!association.Input("applyOnlyAtCronInterval").BoolValue() {
		t.Errorf("it runs at %s, and perhaps when it is created", got)
	}
	onDemand := args(func(a *Args) { a.Schedule = "" })
	pulumitest.MustRun(t, program(onDemand, "backup"), options).Count(t, "aws:ssm/association:Association", 0)
}

// content is what these tests read of a document.
type content struct {
	Parameters map[string]struct{ AllowedPattern string }
	MainSteps  []struct{ Inputs struct{ RunCommand []string } }
}

// script returns the script of a document, and checks the patterns of its parameters.
func script(t *testing.T, recorder *pulumitest.Recorder, name string, good map[string]string) string {
	t.Helper()
	var got content
	document := recorder.One(t, "aws:ssm/document:Document", name)
	if err := json.Unmarshal([]byte(document.Text("content")), &got); err != nil {
		t.Fatal(err)
	}
	text := got.MainSteps[0].Inputs.RunCommand[0]
	scripttest.Check(t, text)
	for parameter, declared := range got.Parameters {
		// An empty value does no harm to a parameter that may be left out.
		pattern := strings.ReplaceAll(declared.AllowedPattern, ")?$", ")$")
		scripttest.CheckPattern(t, parameter, pattern, good[parameter])
	}
	return text
}

// bash runs a script.
func bash(t *testing.T, text string, env ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash")
	command.Stdin, command.Env = strings.NewReader(text), append(os.Environ(), env...)
	out, err := command.CombinedOutput()
	return string(out), err
}

const commandID = "01234567-89ab-cdef-0123-456789abcdef"

// documents returns a stack directory whose host program prints its arguments, and a stack that uses it.
func documents(t *testing.T) (dir string, recorder *pulumitest.Recorder) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "stack")
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	fake := "#!/bin/sh\nprintf '[%s]' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "bin", "webstackctl"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, pulumitest.MustRun(t, program(args(func(a *Args) { a.StackDir = dir }), "backup"), options)
}

// The host program gets the bucket and the apps, each as an argument of its own.
func TestBackupDocumentCallsTheHostProgram(t *testing.T) {
	t.Parallel()
	dir, recorder := documents(t)
	text := script(t, recorder, "backup-backup",
		map[string]string{"action": "watch", "apps": "shop", "command": commandID, "from": "0"})
	for apps, want := range map[string]string{"": "", "shop": "[shop]", "shop,my-blog": "[shop][my-blog]"} {
		out, err := bash(t, text, "SSM_action=backup", "SSM_apps="+apps, "SSM_command=", "SSM_from=0")
		if err != nil || out != "[backup][--action][backup][--bucket][webstack-test-backups-0a1b2c3][--script][bash][--command][]"+
			"[--from][0][--stack-dir]["+dir+"]"+want {
			t.Errorf("apps %q: %v, %s", apps, err, out)
		}
	}
}

func TestRestoreDocumentCallsTheHostProgram(t *testing.T) {
	t.Parallel()
	dir, recorder := documents(t)
	text := script(t, recorder, "backup-restore", map[string]string{
		"action": "watch", "app": "my-shop", "at": "2026-11-30T14:00:00Z", "to": "shop_look", "confirm": "my_shop",
		"command": commandID, "from": "0",
	})
	for _, one := range []struct{ action, app, at, to, confirm, want, target string }{
		{"restore", "shop", "latest", "", "shop", "restore", "[shop]"},
		{"restore", "shop", "20261130T031500Z", "shop_look", "", "restore", "[shop]"},
		{"all", "", "", "", "all", "restore", "[--all]"},
		{"forget", "shop", "20261130T031500Z", "", "", "forget", "[shop]"},
	} {
		out, err := bash(t, text, "SSM_action="+one.action, "SSM_app="+one.app, "SSM_at="+one.at, "SSM_to="+one.to,
			"SSM_confirm="+one.confirm, "SSM_command=", "SSM_from=0")
		if err != nil || out != "[restore][--action]["+one.want+"][--bucket][webstack-test-backups-0a1b2c3][--at]["+one.at+
			"][--to]["+one.to+"][--confirm]["+one.confirm+"][--script][bash][--command][][--from][0][--stack-dir]["+dir+"]"+one.target {
			t.Errorf("%+v: %v, %s", one, err, out)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) { a.RetentionDays, a.HostRoleArn, a.StackDir, a.Schedule = 0, "host", "x", "daily" })
	pulumitest.CheckRefused(t, program(bad, "backup"), options, "use at least 1", `"host": give the ARN`,
		"use the stack directory", `at "daily": use a cron`)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(), "backup"), options)
}
