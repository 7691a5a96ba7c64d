package dbbackup

import (
	"encoding/json"
	"os/exec"
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

// Nothing may run every night that can only fail.
func TestNothingIsScheduled(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "backup"), options)
	recorder.Count(t, "aws:ssm/association:Association", 0)
}

// content is what these tests read of a document.
type content struct {
	Parameters map[string]struct{ AllowedPattern string }
	MainSteps  []struct{ Inputs struct{ RunCommand []string } }
}

func TestDocumentsSayWhatToDoInstead(t *testing.T) {
	t.Parallel()
	good := map[string]string{"database": "shop", "backup": "2026-01-31T031500Z", "confirm": "shop"}
	recorder := pulumitest.MustRun(t, program(args(), "backup"), options)
	for name, want := range map[string]string{
		"backup-backup": "nothing was backed up", "backup-restore": "nothing was changed",
	} {
		var got content
		document := recorder.One(t, "aws:ssm/document:Document", name)
		if err := json.Unmarshal([]byte(document.Text("content")), &got); err != nil {
			t.Fatal(err)
		}
		script := got.MainSteps[0].Inputs.RunCommand[0]
		scripttest.Check(t, script)
		command := exec.CommandContext(t.Context(), "bash")
		command.Stdin = strings.NewReader(script)
		out, err := command.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%s: %v, %s", name, err, out)
		}
		for parameter, declared := range got.Parameters {
			scripttest.CheckPattern(t, parameter, declared.AllowedPattern, good[parameter])
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) { a.RetentionDays, a.HostRoleArn = 0, "host" })
	pulumitest.CheckRefused(t, program(bad, "backup"), options, "use at least 1", `"host": give the ARN`)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(), "backup"), options)
}
