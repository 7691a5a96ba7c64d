package stack

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/dbbackup"
	"webstack/ssmstack"
)

func (b *builder) buildBackup() (err error) {
	if !b.config.EnablePgDumpToS3 {
		return nil
	}
	schedule := b.config.BackupSchedule.ScheduleExpression()
	if b.config.EnableExternalPostgres {
		schedule = "" // the host cannot back up that, so it would only fail each night
	}
	b.backup, err = dbbackup.New(b.ctx, b.name, &dbbackup.Args{
		Project: b.ctx.Project(), Stack: b.ctx.Stack(), NamePrefix: b.name, BucketName: b.config.DbBackupBucketName,
		StackDir: b.config.StackDir, Schedule: schedule,
		RetentionDays: b.config.BackupRetentionDays, HostRoleArn: contract.HostRoleArn(b.account, b.name),
	}, b.providers)
	return err
}

func (b *builder) buildDocuments() (err error) {
	b.ssm, err = ssmstack.New(b.ctx, b.name, &ssmstack.Args{
		Project: b.ctx.Project(), Stack: b.ctx.Stack(), Region: b.region, StackDir: b.config.StackDir,
		DataVolumeID: b.host.DataVolumeID.ToStringOutput(),
		Bucket:       b.apps.BucketName, ManifestSHA256: b.apps.ManifestSum, HostProgramSHA256: b.apps.HostProgramSHA256,
		Published: b.apps.Published, Host: b.host.Ready, Apps: b.appNames(), ChangeSeconds: b.changeSeconds(),
		DeploySeconds: b.deploySeconds(), InstanceID: b.host.InstanceID,
	}, b.providers)
	return err
}

// documents returns the names of all documents by purpose; deploy documents have the purpose "deploy-<app>".
func (b *builder) documents() pulumi.StringMap {
	out := pulumi.StringMap{
		contract.DocConverge: b.ssm.ConvergeDocument, contract.DocStatus: b.ssm.StatusDocument,
		contract.DocLogs: b.ssm.LogsDocument, contract.DocMaintenance: b.ssm.MaintenanceDocument,
	}
	for _, app := range b.config.Apps {
		out["deploy-"+app.Name] = b.ssm.DeployDocuments.MapIndex(pulumi.String(app.Name))
	}
	if b.backup != nil {
		out["backup"], out["restore"] = b.backup.BackupDocument, b.backup.RestoreDocument
	}
	return out
}
