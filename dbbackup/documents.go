package dbbackup

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"

	"webstack/contract"
	"webstack/internal/ssmdoc"
	"webstack/templates"
)

const (
	// databasePattern matches names of databases.
	databasePattern = `^[a-z][a-z0-9_-]{0,62}$`
	// backupPattern matches a backup's date and time, as in the keys of its objects.
	backupPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{6}Z)?$`
	// answerSeconds is how long a document may take.
	answerSeconds = 60
)

// makeDocuments registers the documents that back up and restore. The host program does not have these commands yet, so
// the documents say what to do instead, and nothing runs them on a schedule.
func (b *builder) makeDocuments() error {
	backup, err := b.newDocument(contract.DocBackup, ssmdoc.Document{
		Description: "Says that backups cannot be made yet",
		Steps: []ssmdoc.Step{{
			Name: "backup", TimeoutSeconds: answerSeconds,
			Script: ssmdoc.Script(templates.Script{Reason: "this version cannot make backups yet: nothing was backed up. " +
				"Dump a database by hand with pg_dump; docs/operations.md shows how"}.Refuse()),
		}},
	})
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
				"Restore a dump by hand with pg_restore; docs/operations.md shows how"}.Refuse()),
		}},
	})
	if err != nil {
		return err
	}
	b.out.BackupDocument, b.out.RestoreDocument = backup.Name, restore.Name
	return nil
}

func (b *builder) newDocument(command string, content ssmdoc.Document) (*ssm.Document, error) {
	return content.Register(b.ctx, b.name+"-"+command, contract.DocumentName(b.args.Project, b.args.Stack, command), b.parent)
}
