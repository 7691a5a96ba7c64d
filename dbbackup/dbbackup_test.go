package dbbackup

import (
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/pulumitest"
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
	return func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{Region: pulumi.StringPtr(pulumitest.Region)})
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := New(ctx, name, args, pulumi.Provider(provider)); err != nil {
				return err
			}
		}
		return nil
	}
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
		if found.Type == "aws:s3/bucketV2:BucketV2" && (!found.Request.GetProtect() || found.Input("forceDestroy").BoolValue()) {
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

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) { a.RetentionDays, a.Schedule = 0, "" })
	pulumitest.CheckRefused(t, program(bad, "backup"), options, "give 1 at least", "cron expression")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(), "backup"), options)
}
