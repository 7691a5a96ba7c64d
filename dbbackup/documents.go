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
	// appsPattern matches names of apps with commas between them, or nothing.
	appsPattern = `^(?:[a-z0-9][a-z0-9-]*(?:,[a-z0-9][a-z0-9-]*)*)?$`
	// appPattern matches the name of an app, or nothing, and namePattern that of an app or database.
	appPattern  = `^(?:[a-z0-9][a-z0-9-]{0,62})?$`
	namePattern = `^(?:[a-z0-9][a-z0-9_-]{0,62})?$`
	// runSeconds is how long a backup or restore may take, including a wait for another one.
	runSeconds = 12 * 60 * 60
)

// makeDocuments registers the documents that back up and restore.
func (b *builder) makeDocuments() error {
	backup, err := b.newBackup()
	if err != nil {
		return err
	}
	restore, err := b.newRestore()
	if err != nil {
		return err
	}
	b.out.BackupDocument, b.out.RestoreDocument = backup.Name, restore.Name
	return b.schedule(backup)
}

// script returns the script of a document that calls the host program.
func (b *builder) script(body func(templates.Script) string, parameters ...string) pulumi.StringOutput {
	return b.out.BucketName.ApplyT(func(bucket string) (string, error) {
		if err := contract.CheckBucket(bucket); err != nil {
			return "", fmt.Errorf("write the script of a document: %w", err)
		}
		return ssmdoc.Script(body(templates.Script{
			StackDir: b.args.StackDir, HostProgram: contract.Paths{StackDir: b.args.StackDir}.HostProgram(), Bucket: bucket,
		}), parameters...), nil
	}).(pulumi.StringOutput)
}

// newRestore registers the document that restores databases.
func (b *builder) newRestore() (*ssm.Document, error) {
	nothing, restore := "", "restore"
	return b.newDocument(contract.DocRestore, ssmdoc.Document{
		Description: "Restores the database of an app from its backups in S3",
		Parameters: ssmdoc.Followed(map[string]ssmdoc.Parameter{
			"action": {
				Description: "restore, all to restore all databases, forget to drop what a restore has replaced, or watch to print " +
					"what a running restore has printed",
				Pattern: "^(?:restore|all|forget|watch)$", Default: &restore,
			},
			"app": {Description: "Name of the app", Pattern: appPattern, Default: &nothing},
			"at": {
				Description: "Which backup: latest, its ID, or a time for the newest one before it; to forget, the ID of the restore",
				Pattern:     ssmdoc.Optional(contract.RestoreAtPattern), Default: &nothing,
			},
			"to": {
				Description: "Name of a new database to restore to; nothing replaces the app's database",
				Pattern:     ssmdoc.Optional(contract.RestoreToPattern), Default: &nothing,
			},
			"confirm": {
				Description: "The name of the app again, to replace its data; for all databases, all", Pattern: namePattern,
				Default: &nothing,
			},
		}),
		Steps: []ssmdoc.Step{{
			Name: "restore", TimeoutSeconds: runSeconds,
			Script: b.script(templates.Script.Restore, "action", "app", "at", "to", "confirm", "command", "from"),
		}},
	})
}

// newBackup registers the document that backs up databases: the schedule and the operator's command both run it.
func (b *builder) newBackup() (*ssm.Document, error) {
	nothing, backup := "", "backup"
	return b.newDocument(contract.DocBackup, ssmdoc.Document{
		Description: "Backs up databases to S3, and verifies each backup by restoring it",
		Parameters: ssmdoc.Followed(map[string]ssmdoc.Parameter{
			"action": {
				Description: "backup, or watch to print what a running backup has printed",
				Pattern:     "^(?:backup|watch)$", Default: &backup,
			},
			"apps": {
				Description: "Names of apps, separated by commas; nothing for all databases", Pattern: appsPattern, Default: &nothing,
			},
		}),
		Steps: []ssmdoc.Step{{
			Name: "backup", TimeoutSeconds: runSeconds,
			Script: b.script(templates.Script.Backup, "action", "apps", "command", "from"),
		}},
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
