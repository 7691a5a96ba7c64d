package operate

import (
	"context"
	"errors"
	"io"

	"webstack/contract"
)

// RestoreOptions say what to restore.
type RestoreOptions struct {
	// App is the app's name, "" for all databases.
	App string
	// At chooses the backup: see contract.RestoreAtPattern; "" for the newest. To forget, it is the ID of a restore, or ""
	// for all.
	At string
	// To is the name of a new database to restore to; "" replaces the app's.
	To string
	// Confirm is the name of the app again; for all databases it is "all", or "" for those without data only.
	Confirm string
	// Forget drops what restores have replaced, and restores nothing. Without an App it does so for all databases.
	Forget bool
}

// ErrRestoreFailed says that a database was not restored. The host has said why.
var ErrRestoreFailed = errors.New("the restore failed")

// Restore runs the restore document, and writes to out what the host prints, as it prints it. When ctx ends, the restore
// goes on. It returns the ID of the command.
func (s *Stack) Restore(ctx context.Context, host Host, o RestoreOptions, out io.Writer) (id string, err error) {
	action := "restore"
	switch {
	case o.Forget:
		action = "forget"
	case o.App == "":
		action = "all"
	}
	c := Command{
		Host: host.InstanceID, Document: s.Document(contract.DocRestore), Parameters: map[string]string{"action": action},
	}
	for name, value := range map[string]string{"app": o.App, "at": o.At, "to": o.To, "confirm": o.Confirm} {
		if value != "" {
			c.Parameters[name] = value
		}
	}
	return s.follow(ctx, c, out, ErrRestoreFailed,
		"the restore, which goes on; the host keeps its output in "+contract.RestoreLogsDir+" of the stack directory")
}
