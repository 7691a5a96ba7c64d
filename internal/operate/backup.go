package operate

import (
	"context"
	"errors"
	"io"
	"strings"

	"webstack/contract"
)

// ErrBackupFailed says that a database was not backed up. The host has said why.
var ErrBackupFailed = errors.New("the backup failed")

// Backup runs the backup document for apps, or without any for all databases, and writes to out what the host prints, as
// it prints it. When ctx ends, the backup goes on. It returns the ID of the command.
func (s *Stack) Backup(ctx context.Context, host Host, apps []string, out io.Writer) (id string, err error) {
	c := Command{
		Host: host.InstanceID, Document: s.Document(contract.DocBackup), Parameters: map[string]string{"action": "backup"},
	}
	if len(apps) > 0 {
		c.Parameters["apps"] = strings.Join(apps, ",")
	}
	return s.follow(ctx, c, out, ErrBackupFailed, "the backup, which goes on; see webstack backups")
}
