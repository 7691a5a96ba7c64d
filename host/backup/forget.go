package backup

import (
	"context"
	"errors"
	"fmt"
	"webstack/internal/printable"
)

// Forget drops the databases that restores of the app in o.Apps have replaced: that of the restore with this ID, or all.
func Forget(ctx context.Context, o RestoreOptions, id string) error {
	if len(o.Apps) != 1 {
		return errors.New("drop what a restore has replaced: name one app")
	}
	o.Confirm = o.Apps[0] // there is nothing to confirm
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
		if of, ok := replacedBy(t.database, name); ok && (id == "" || of == id) {
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
