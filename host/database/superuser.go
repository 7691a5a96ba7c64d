package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"webstack/host/command"
	"webstack/host/files"
)

const (
	// superuserQuery returns the role that initdb created, which every Postgres has.
	superuserQuery = "SELECT rolname FROM pg_roles WHERE oid = 10"
	// renamer is a superuser without a password that exists while the superuser is renamed: no role can rename itself.
	renamer = "webstack_renamer"
	// firstSuperuser is the superuser's name if none was recorded.
	firstSuperuser = "postgres"
)

// Adopt implements Server. A data directory keeps the superuser that it was created with, so when postgresUser changes,
// that role is renamed; it keeps what it owns, and its password.
func (c *Container) Adopt(ctx context.Context, out io.Writer) error {
	name, err := c.psql(ctx, superuserQuery)
	switch {
	case err == nil && name != c.User:
		return fmt.Errorf("use %q as the superuser of Postgres: a role with that name exists, and the superuser is %q; set "+
			"postgresUser to %[2]s or to a name that no role has", c.User, name)
	case err == nil:
		return c.recordSuperuser(ctx)
	case !missingRole(err, c.User):
		return fmt.Errorf("look for the superuser of Postgres: %w", err)
	}
	recorded, err := os.ReadFile(c.Record)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the name of the Postgres superuser: %w", err)
	}
	for _, old := range slices.Compact([]string{strings.TrimSpace(string(recorded)), firstSuperuser}) {
		if old == "" {
			continue
		}
		if name, err := c.psqlAs(ctx, old, superuserQuery); err != nil || name != old {
			continue
		}
		if err := c.renameSuperuser(ctx, old); err != nil {
			return fmt.Errorf("rename the superuser of Postgres from %s to %s: %w", old, c.User, err)
		}
		_, _ = fmt.Fprintf(out, "renamed the superuser of Postgres from %s to %s\n", old, c.User)
		return c.recordSuperuser(ctx)
	}
	return fmt.Errorf("find the superuser of Postgres: it is not %q; set postgresUser to its previous name", c.User)
}

func missingRole(err error, role string) bool {
	var exit *command.ExitError
	return errors.As(err, &exit) && strings.Contains(exit.Message, `role "`+role+`" does not exist`)
}

func (c *Container) renameSuperuser(ctx context.Context, old string) error {
	helper := Identifier(renamer)
	if _, err := c.psqlAs(ctx, old, "DROP ROLE IF EXISTS "+helper, "CREATE ROLE "+helper+" SUPERUSER LOGIN"); err != nil {
		return err
	}
	_, err := c.psqlAs(ctx, renamer, "ALTER ROLE "+Identifier(old)+" RENAME TO "+Identifier(c.User))
	return err
}

// recordSuperuser records the superuser's name. If it differs, a run may have been killed before it dropped its helper.
func (c *Container) recordSuperuser(ctx context.Context) error {
	if recorded, err := os.ReadFile(c.Record); err == nil && string(recorded) == c.User+"\n" {
		return nil
	}
	if err := c.Exec(ctx, "SET client_min_messages = warning", "DROP ROLE IF EXISTS "+Identifier(renamer)); err != nil {
		return fmt.Errorf("drop the role %s: %w", renamer, err)
	}
	dir, name := filepath.Split(c.Record)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("record the name of the Postgres superuser: %w", err)
	}
	defer func() { _ = root.Close() }()
	if _, err := files.Write(root, name, []byte(c.User+"\n"), 0o600); err != nil {
		return fmt.Errorf("record the name of the Postgres superuser: %w", err)
	}
	return nil
}
