package database

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/golden"
	"webstack/internal/pulumitest"
)

func args(edits ...func(*Args)) *Args {
	out := &Args{
		NamePrefix: "webstack-test", InstanceClass: "db.t4g.micro", StorageGiB: 20, BackupRetentionDays: 7,
		User: "postgres", DatabaseName: "app", Password: pulumi.ToSecret(pulumi.String("hush")).(pulumi.StringOutput),
		VpcID: pulumi.String("vpc-1"), SubnetIDs: pulumi.ToStringArray([]string{"subnet-5", "subnet-6"}),
	}
	for _, edit := range edits {
		edit(out)
	}
	return out
}

func program(args *Args, names ...string) pulumi.RunFunc {
	return pulumitest.Component(New, args, []pulumitest.Provider{pulumitest.AWS, pulumitest.Random}, names...)
}

var options = pulumitest.Options{Outputs: pulumitest.AWSOutputs}

func TestDatabase(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(), "database"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
		recorder.CheckShape(t)
		recorder.CheckSecrets(t, "aws:rds/instance:Instance.password")
		database := recorder.One(t, "aws:rds/instance:Instance", "database")
		if !database.Request.GetProtect() {
			t.Error("the database is not protected")
		}
		const last = "webstack-test-postgres-final-0a1b2c3d"
		if name := database.Text("finalSnapshotIdentifier"); !recorder.DryRun && name != last {
			t.Errorf("the last snapshot is named %q, as that of another database may be", name)
		}
		golden.Compare(t, recorder.Dump(t), ".json")
	})
}

func TestPasswordIsGeneratedWhenNoneIsGiven(t *testing.T) {
	t.Parallel()
	none := args(func(a *Args) { a.Password = nil })
	pulumitest.EachRun(t, program(none, "database"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
		recorder.CheckShape(t)
		recorder.Count(t, "random:index/randomPassword:RandomPassword", 1)
		recorder.CheckSecrets(t, "aws:rds/instance:Instance.password")
	})
}

func TestTwoInOneProgram(t *testing.T) {
	t.Parallel()
	pulumitest.MustRun(t, program(args(), "one", "two"), options).CheckShape(t)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) { a.StorageGiB, a.BackupRetentionDays = 5, 60 })
	pulumitest.CheckRefused(t, program(bad, "database"), options, "RDS needs at least 20", "RDS keeps them 1 to 35 days")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(), "database"), options)
}
