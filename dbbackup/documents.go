package dbbackup

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/ssmdoc"
)

const (
	// databasePattern is what names of databases look like.
	databasePattern = `^[a-z][a-z0-9_-]{0,62}$`
	// backupPattern is a backup's date and time, as it stands in its objects' keys.
	backupPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{6}Z)?$`
	// patience is how long a backup or a restore may take, in seconds: about 100 GB.
	patience = 6 * 60 * 60
)

func (b *builder) makeDocuments() error {
	backup, err := b.newDocument("backup", ssmdoc.Document{
		Description: "Backs up all databases to the backup bucket and checks the backup",
		Steps:       []ssmdoc.Step{{Name: "backup", Script: b.script("backup"), TimeoutSeconds: patience}},
	})
	if err != nil {
		return err
	}
	restore, err := b.newDocument("restore", ssmdoc.Document{
		Description: "Restores one database from a backup",
		Parameters: map[string]ssmdoc.Parameter{
			"database": {Description: "Database to restore", Pattern: databasePattern},
			"backup":   {Description: "Date of the backup, such as 2026-01-31", Pattern: backupPattern},
			"confirm":  {Description: "The name of the database again, to confirm", Pattern: databasePattern},
		},
		Steps: []ssmdoc.Step{{
			Name: "restore", Script: b.script("restore", "database", "backup", "confirm"), TimeoutSeconds: patience,
		}},
	})
	if err != nil {
		return err
	}
	b.out.BackupDocument, b.out.RestoreDocument = backup.Name, restore.Name
	return b.schedule(backup)
}

// script runs a command of the host program and hands each of the parameters on as the option of the same name.
func (b *builder) script(command string, parameters ...string) pulumi.StringOutput {
	options := ""
	for _, name := range parameters {
		options += fmt.Sprintf(` --%[1]s "$%[1]s"`, name)
	}
	return pulumi.Sprintf("%sexec '%s/%s' %s --bucket '%s'%s\n",
		ssmdoc.Script("", parameters...), b.args.StackDir, contract.HostProgramPath, command, b.out.BucketName, options)
}

func (b *builder) newDocument(command string, content ssmdoc.Document) (*ssm.Document, error) {
	return content.Register(b.ctx, b.name+"-"+command, ssmdoc.Name(b.args.Project, b.args.Stack, command), b.parent)
}

// schedule runs the backup at its hours only: without the cron interval it would run at every change of its document,
// too.
func (b *builder) schedule(backup *ssm.Document) error {
	_, err := ssm.NewAssociation(b.ctx, b.name+"-backup", &ssm.AssociationArgs{
		Name:                    backup.Name,
		AssociationName:         pulumi.String(ssmdoc.Name(b.args.Project, b.args.Stack, "backup")),
		DocumentVersion:         pulumi.String("$DEFAULT"),
		Targets:                 ssmdoc.Target(b.args.Project, b.args.Stack),
		ScheduleExpression:      pulumi.String(b.args.Schedule),
		ApplyOnlyAtCronInterval: pulumi.Bool(true),
		ComplianceSeverity:      pulumi.String("CRITICAL"),
	}, b.parent)
	if err != nil {
		return fmt.Errorf("register the backup's schedule: %w", err)
	}
	return nil
}
