package dbbackup

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/pulumitest"
	"webstack/internal/scripttest"
)

func args(edits ...func(*Args)) *Args {
	out := &Args{
		Project: "webstack", Stack: "test", NamePrefix: "webstack-test", RetentionDays: 30,
		Schedule: "cron(15 3 ? * * *)", StackDir: "/opt/webstack",
	}
	for _, edit := range edits {
		edit(out)
	}
	return out
}

func program(args *Args, names ...string) pulumi.RunFunc {
	return pulumitest.OnAWS(func(ctx *pulumi.Context, name string, aws pulumi.ResourceOption) error {
		_, err := New(ctx, name, args, aws)
		return err
	}, names...)
}

var options = pulumitest.Options{Outputs: pulumitest.AWSOutputs}

func TestDbBackup(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(), "backup"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
		recorder.CheckShape(t)
		pulumitest.Golden(t, recorder.Dump(t), ".json")
	})
}

// What may be the only copy stays, with all that guards it.
func TestBucketIsProtectedAndRetained(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "backup"), options)
	for _, found := range recorder.All() {
		if found.Type == "aws:s3/bucketV2:BucketV2" &&
			(!found.Request.GetProtect() || found.Input("forceDestroy").BoolValue()) {
			t.Error("the bucket is not protected")
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

func TestBackupsRunAtTheirHoursOnly(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "backup"), options)
	association := recorder.One(t, "aws:ssm/association:Association", "backup-backup")
	if !association.Input("applyOnlyAtCronInterval").BoolValue() {
		t.Error("a change of the document makes a backup")
	}
}

// content is what these tests read of a document.
type content struct {
	Parameters map[string]struct{ AllowedPattern string }
	MainSteps  []struct{ Inputs struct{ RunCommand []string } }
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	good := map[string]string{"database": "shop", "backup": "2026-01-31T031500Z", "confirm": "shop"}
	recorder := pulumitest.MustRun(t, program(args(func(a *Args) { a.BucketName = "our-backups" }), "backup"), options)
	for name, want := range map[string]string{
		"backup-backup": "exec '/opt/webstack/bin/webstackctl' backup --bucket 'our-backups'\n",
		"backup-restore": "exec '/opt/webstack/bin/webstackctl' restore --bucket 'our-backups'" +
			" --database \"$database\" --backup \"$backup\" --confirm \"$confirm\"\n",
	} {
		var got content
		document := recorder.One(t, "aws:ssm/document:Document", name)
		if err := json.Unmarshal([]byte(document.Text("content")), &got); err != nil {
			t.Fatal(err)
		}
		script := got.MainSteps[0].Inputs.RunCommand[0]
		if !strings.HasSuffix(script, want) {
			t.Errorf("%s ends in another command than %q:\n%s", name, want, script)
		}
		scripttest.Check(t, script)
		for parameter, declared := range got.Parameters {
			scripttest.CheckPattern(t, parameter, declared.AllowedPattern, good[parameter])
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) { a.RetentionDays, a.Schedule, a.StackDir = 0, "", "/opt/x'y" })
	pulumitest.CheckRefused(t, program(bad, "backup"), options, "give 1 at least", "cron expression", `"/opt/x'y"`)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(), "backup"), options)
}
