package dbbackup

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/ssmdoc"
	"webstack/templates"
)

const (
	// databasePattern matches names of databases.
	databasePattern = `^[a-z][a-z0-9_-]{0,62}$`
	// backupPattern matches a backup's date and time, as in the keys of its objects.
	backupPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{6}Z)?$`
	// appsPattern matches names of apps with commas between them, or nothing.
	appsPattern = `^(?:[a-z0-9][a-z0-9-]*(?:,[a-z0-9][a-z0-9-]*)*)?$`
	// answerSeconds is how long a document may take that only says something.
	answerSeconds = 60
	// backupSeconds is how long a backup may take, including a wait for another one.
	backupSeconds = 12 * 60 * 60
)

// makeDocuments registers the documents that back up and restore. The host program cannot restore yet, so that document
// says what to do instead.
func (b *builder) makeDocuments() error {
	backup, err := b.newBackup()
	if err != nil {
		return err
	}
	restore, err := b.newDocument(contract.DocRestore, ssmdoc.Document{
		Description: "Says that backups cannot be restored yet",
		Parameters: map[string]ssmdoc.Parameter{
			"database": {Description: "Database to restore", Pattern: databasePattern},
			"backup":   {Description: "Date of the backup, such as 2026-01-31", Pattern: backupPattern},
			"confirm":  {Description: "The name of the database again, to confirm", Pattern: databasePattern},
		},
		Steps: []ssmdoc.Step{{
			Name: "restore", TimeoutSeconds: answerSeconds,
			Script: ssmdoc.Script(templates.Script{Reason: "this version cannot restore backups yet: nothing was changed. " +
				"Restore a dump by hand with pg_restore; docs/backups.md shows how"}.Refuse()),
		}},
	})
	if err != nil {
		return err
	}
	b.out.BackupDocument, b.out.RestoreDocument = backup.Name, restore.Name
	return b.schedule(backup)
}

// newBackup registers the document that backs up databases: the schedule and the operator's command both run it.
func (b *builder) newBackup() (*ssm.Document, error) {
	nothing, backup, zero := "", "backup", "0"
	script := b.out.BucketName.ApplyT(func(bucket string) (string, error) {
		if err := contract.CheckBucket(bucket); err != nil {
			return "", fmt.Errorf("write the script of the backup: %w", err)
		}
		body := templates.Script{
			StackDir: b.args.StackDir, HostProgram: contract.Paths{StackDir: b.args.StackDir}.HostProgram(), Bucket: bucket,
		}.Backup()
		return ssmdoc.Script(body, "action", "apps", "command", "from"), nil
	}).(pulumi.StringOutput)
	return b.newDocument(contract.DocBackup, ssmdoc.Document{
		Description: "Backs up databases to S3, and verifies each backup by restoring it",
		Parameters: map[string]ssmdoc.Parameter{
			"action": {
				Description: "backup, or watch to print what a running backup has printed",
				Pattern:     "^(?:backup|watch)$", Default: &backup,
			},
			"apps": {
				Description: "Names of apps, separated by commas; nothing for all databases", Pattern: appsPattern, Default: &nothing,
			},
			"command": {
				Description: "ID of the command to watch", Pattern: "^(?:" + contract.CommandIDPattern + ")?$", Default: &nothing,
			},
			"from": {Description: "Byte of its output to begin with", Pattern: "^[0-9]{1,9}$", Default: &zero},
		},
		Steps: []ssmdoc.Step{{Name: "backup", TimeoutSeconds: backupSeconds, Script: script}},
	})
}

// schedule registers the association that backs up all databases. It does not run when it is created or changed.
func (b *builder) schedule(document *ssm.Document) error {
	if b.args.Schedule == "" {
		return nil
	}
	_, err := ssm.NewAssociation(b.ctx, b.name+"-backup", &ssm.AssociationArgs{
		Name:                    document.Name,
		AssociationName:         pulumi.String(contract.DocumentName(b.args.Project, b.args.Stack, contract.DocBackup)),
		DocumentVersion:         pulumi.String("$DEFAULT"),
		Targets:                 ssmdoc.Target(b.args.Project, b.args.Stack),
		ScheduleExpression:      pulumi.String(b.args.Schedule),
		ApplyOnlyAtCronInterval: pulumi.Bool(true),
		ComplianceSeverity:      pulumi.String("HIGH"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the schedule of backups: %w", err)
	}
	return nil
}

func (b *builder) newDocument(command string, content ssmdoc.Document) (*ssm.Document, error) {
	return content.Register(b.ctx, b.name+"-"+command, contract.DocumentName(b.args.Project, b.args.Stack, command), b.parent)
}
