package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"webstack/contract"
	"webstack/internal/printable"
)

// Forget drops the databases that earlier restores of the app in o.Apps have left: those of the restore with this ID, or
// all. Without an app it drops those of all apps and of the default database. A restore that ends while Forget waits for it
// keeps its database.
func Forget(ctx context.Context, o RestoreOptions, id string) error {
	if len(o.Apps) != 1 && id != "" {
		return errors.New("drop what a restore has replaced: name one app")
	}
	o.Confirm = strings.Join(o.Apps, "") // there is nothing to confirm
	if o.Confirm == "" {
		o.Confirm = ConfirmAll
	}
	return withRestore(ctx, o, func(r *restore, targets []target) error {
		for _, t := range targets {
			if err := r.forget(ctx, t, id); err != nil {
				r.say("%s: failed: %s", t.database, printable.OneLine(err))
				return ErrRestoreFailed
			}
		}
		return nil
	})
}

func (r *restore) forget(ctx context.Context, t target, id string) error {
	names, err := r.databases(ctx)
	if err != nil {
		return err
	}
	dropped := 0
	for _, name := range names {
		of, ok := leftBy(t.database, name)
		if at, err := contract.ParseBackupID(of); ok && err == nil && (of == id || id == "" && at.Before(r.called)) {
			if err := r.dropDatabase(ctx, name); err != nil {
				return err
			}
			r.say("%s: dropped %s", t.database, name)
			dropped++
		}
	}
	if dropped == 0 && id != "" {
		return fmt.Errorf("drop what the restore %s has replaced: there is no database %s", id, beforeName(t.database, id))
	}
	if dropped == 0 {
		r.say("%s: no restore has left a database", t.database)
	}
	return nil
}
