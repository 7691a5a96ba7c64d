package backup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"webstack/contract"
	"webstack/host/database"
)

// check refuses, before anything is changed, a restore that cannot work.
func (r *restore) check(ctx context.Context, t target, m contract.Backup) error {
	names, err := r.databases(ctx)
	if err != nil {
		return err
	}
	if r.o.To != "" && slices.Contains(names, r.o.To) {
		return fmt.Errorf("restore to the database %s: it exists already; drop it or choose another name", r.o.To)
	}
	if len(r.Apps) == 0 && r.o.Confirm == "" && slices.Contains(names, t.database) {
		empty, err := r.empty(ctx, t.database)
		if err != nil {
			return err
		}
		if !empty {
			return fmt.Errorf("restore all databases: %s is not empty, and the restore would replace what it has; pass --confirm %s",
				t.database, ConfirmAll)
		}
	}
	if here, there := major(r.version), major(m.Postgres.Version); here < there {
		return fmt.Errorf("restore a backup of Postgres %s into Postgres %s: a newer major version is needed; use a version of "+
			"Webstack that has it", m.Postgres.Version, r.version)
	}
	if err := r.checkExtensions(ctx, m); err != nil {
		return err
	}
	return r.checkRoom("restore", m.Database.Bytes+m.Object.Bytes)
}

func major(version string) int {
	text, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(text)
	return n
}

// empty reports whether a database has nothing besides what belongs to the system and to extensions.
func (s server) empty(ctx context.Context, database string) (empty bool, err error) {
	err = s.value(ctx, database, "SELECT to_json(NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "+
		own("pg_class", "c.oid")+") AND NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE "+
		own("pg_proc", "p.oid")+") AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE "+
		own("pg_type", "t.oid")+") AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname <> 'public' AND "+
		own("pg_namespace", "n.oid")+") AND NOT EXISTS (SELECT FROM pg_largeobject_metadata))", &empty)
	if err != nil {
		return false, fmt.Errorf("find out whether %s is empty: %w", database, err)
	}
	return empty, nil
}

func (r *restore) checkExtensions(ctx context.Context, m contract.Backup) error {
	var available []string
	if err := r.value(ctx, database.Template, "SELECT json_agg(name) FROM pg_available_extensions", &available); err != nil {
		return fmt.Errorf("list the available extensions: %w", err)
	}
	var missing []string
	for _, e := range m.Database.Extensions {
		if !slices.Contains(available, e.Name) {
			missing = append(missing, e.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("restore a backup that needs the extensions %s: the image of Postgres does not have them; "+
			"use a version of Webstack whose Postgres does", strings.Join(missing, ", "))
	}
	return nil
}

// checkRoles fails if the dump names roles that do not exist. A role of the bucket's list of roles counts as named if a
// statement could name it: a function's text may have such lines, too.
func (r *restore) checkRoles(ctx context.Context, m contract.Backup) error {
	var globals bytes.Buffer
	if err := r.download(ctx, m.Globals, func(from io.Reader) error {
		_, err := globals.ReadFrom(io.LimitReader(from, maxGlobals))
		return err
	}); err != nil {
		return err
	}
	var here []string
	if err := r.value(ctx, database.Template, "SELECT json_agg(rolname) FROM pg_roles", &here); err != nil {
		return fmt.Errorf("list the roles: %w", err)
	}
	missing := map[string]bool{}
	for _, found := range createRoleRE.FindAllStringSubmatch(globals.String(), -1) {
		if role := unquoted(found[1]); !slices.Contains(here, role) {
			missing[role] = false
		}
	}
	if err := r.scan(ctx, func(line string) {
		for _, found := range namedRoleRE.FindAllStringSubmatch(line, -1) {
			if _, ok := missing[unquoted(found[1])]; ok {
				missing[unquoted(found[1])] = true
			}
		}
	}); err != nil {
		return err
	}
	maps.DeleteFunc(missing, func(_ string, named bool) bool { return !named })
	if len(missing) > 0 {
		return fmt.Errorf("restore a backup that needs the roles %s: they do not exist; create them with CREATE ROLE, the "+
			"backup has their definitions in %s", strings.Join(slices.Sorted(maps.Keys(missing)), ", "), m.Globals.Key)
	}
	return nil
}

const nameRE = `("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)`

var (
	createRoleRE = regexp.MustCompile(`(?m)^CREATE ROLE ` + nameRE + `;$`)
	namedRoleRE  = regexp.MustCompile(`(?:\b(?:TO|FROM|ROLE)|,) ` + nameRE)
)

func unquoted(name string) string {
	if inner, ok := strings.CutPrefix(name, `"`); ok {
		return strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
	}
	return name
}

// scan calls look with each statement line of the dump that gives something to a role, without the rows of tables.
func (r *restore) scan(ctx context.Context, look func(line string)) error {
	dump, err := os.Open(filepath.Join(r.dir, dumpFile))
	if err != nil {
		return fmt.Errorf("read the dump: %w", err)
	}
	defer func() { _ = dump.Close() }()
	text, w := io.Pipe()
	c := r.command(database.Template, "pg_restore", "--create", "--schema-only", "--file=-")
	c.Stdin, c.Stdout = dump, w
	go func() {
		_, err := r.Run.Run(ctx, c)
		_ = w.CloseWithError(err)
	}()
	defer func() { _ = text.Close() }()
	for lines := bufio.NewReader(text); ; {
		line, err := lines.ReadSlice('\n') // only the parts of a very long line
		for _, verb := range []string{"ALTER ", "GRANT ", "REVOKE ", "SET SESSION ", "CREATE POLICY ", "CREATE USER MAPPING "} {
			if bytes.HasPrefix(line, []byte(verb)) {
				look(string(line))
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read what the dump has: %w", err)
		}
	}
}
