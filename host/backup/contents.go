package backup

import (
	"fmt"
	"strings"

	"webstack/contract"
	"webstack/host/database"
)

// settings makes the same rows have the same text on both servers, whatever the settings of the database and its roles
// are, and keeps timeouts away. Settings that a version does not have are left out.
const settings = `SELECT count(pg_catalog.set_config(s.name, v.value, false)) FROM (VALUES
 ('datestyle', 'ISO, MDY'), ('timezone', 'UTC'), ('intervalstyle', 'postgres'), ('extra_float_digits', '1'),
 ('bytea_output', 'hex'), ('lc_monetary', 'C'), ('xmlbinary', 'base64'), ('client_encoding', 'UTF8'),
 ('standard_conforming_strings', 'on'), ('row_security', 'off'), ('statement_timeout', '0'), ('lock_timeout', '30s'),
 ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), ('transaction_timeout', '0'),
 ('search_path', 'pg_catalog')) AS v(name, value)
 JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) = v.name`

const databaseQuery = `SELECT json_build_object(
 'name', d.datname, 'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
 'provider', coalesce(to_jsonb(d)->>'datlocprovider', 'c'), 'collate', coalesce(d.datcollate, ''),
 'ctype', coalesce(d.datctype, ''),
 'locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', ''), 'bytes', pg_database_size(d.oid),
 'settings', (SELECT json_agg(x ORDER BY x) FROM (
   SELECT CASE s.setrole WHEN 0 THEN '' ELSE pg_get_userbyid(s.setrole) || ': ' END || unnest(s.setconfig) AS x
   FROM pg_db_role_setting s WHERE s.setdatabase = d.oid) t),
 'grants', (SELECT json_agg(x ORDER BY x) FROM (
   SELECT a.privilege_type || ' to ' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END ||
     CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END AS x
   FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a) t))
FROM pg_database d WHERE d.datname = current_database()`

const extensionsQuery = `SELECT coalesce(json_agg(json_build_object(
 'name', e.extname, 'version', e.extversion, 'schema', n.nspname) ORDER BY e.extname), '[]')
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace`

// Conditions on relations: those of the system are not dumped, and those of extensions are created with them.
const (
	ours   = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`
	notExt = `NOT EXISTS (SELECT FROM pg_depend e WHERE e.deptype = 'e' AND e.classid = '%s'::regclass AND e.objid = %s)`
)

func own(class, oid string) string { return ours + " AND " + fmt.Sprintf(notExt, class, oid) }

// relations lists the names of the relations of a kind.
func relations(kind string) string {
	return `SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname)
 ORDER BY n.nspname, c.relname), '[]')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = '` + kind + `' AND c.relpersistence <> 't' AND ` + own("pg_class", "c.oid")
}

// objectsQuery covers what a dump restores besides rows. It leaves out definitions, because Postgres may word an
// expression in another way after a restore, and indexes that are not valid, which pg_dump leaves out.
var objectsQuery = `WITH o(text) AS (
 SELECT concat_ws(' ', 'relation', c.relkind, n.nspname, c.relname, pg_get_userbyid(c.relowner))
 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c', 'i', 'I') AND c.relpersistence <> 't'
   AND (c.relkind <> 'i' OR i.indisvalid) AND ` + own("pg_class", "coalesce(i.indrelid, c.oid)") + `
 UNION ALL
 SELECT concat_ws(' ', 'function', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), pg_get_userbyid(p.proowner))
 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ` + own("pg_proc", "p.oid") + `
 UNION ALL
 SELECT concat_ws(' ', 'constraint', n.nspname, c.relname, t.conname, t.contype, t.convalidated)
 FROM pg_constraint t JOIN pg_class c ON c.oid = t.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't' AND ` + own("pg_class", "c.oid") + `
 UNION ALL
 SELECT concat_ws(' ', 'trigger', n.nspname, c.relname, t.tgname, t.tgenabled)
 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND c.relpersistence <> 't' AND ` + own("pg_class", "c.oid") + `
 UNION ALL
 SELECT concat_ws(' ', 'type', n.nspname, t.typname, t.typtype, pg_get_userbyid(t.typowner))
 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype IN ('e', 'd') AND ` + own("pg_type", "t.oid") + `
 UNION ALL
 SELECT concat_ws(' ', 'schema', n.nspname, pg_get_userbyid(n.nspowner)) FROM pg_namespace n
 WHERE ` + own("pg_namespace", "n.oid") + `
)
SELECT json_build_object('rows', count(*), 'hash', coalesce(sum(hashtextextended(text, 0)::numeric), 0)::text) FROM o`

// largeObjectsQuery hashes the content without zeros at the end of a page: a dump turns holes into zeros.
const largeObjectsQuery = `SELECT json_build_object('rows', (SELECT count(*) FROM pg_largeobject_metadata), 'hash', (
 SELECT coalesce(sum(hashtextextended(concat_ws(' ', loid, pageno, encode(rtrim(data, '\x00'::bytea), 'hex')), 0)::numeric), 0)
 FROM pg_largeobject WHERE rtrim(data, '\x00'::bytea) <> ''::bytea)::text)`

// measureQuery counts and hashes the rows of a table. x.* is the row even if a column is called x.
func measureQuery(schema, table string) string {
	return `SELECT json_build_object('rows', count(*), 'hash',
 coalesce(sum(hashtextextended((x.*)::text, 0)::numeric), 0)::text) FROM ONLY ` + database.Identifier(schema) + "." +
		database.Identifier(table) + ` AS x`
}

// contents reads what the session's database has. Sequences are not part of a snapshot, so they have the values of this
// moment.
func (s *session) contents() (d contract.BackupDatabase, err error) {
	for _, part := range []struct {
		query string
		to    any
	}{
		{databaseQuery, &d}, {extensionsQuery, &d.Extensions}, {relations("r"), &d.Tables},
		{objectsQuery, &d.Objects}, {largeObjectsQuery, &d.LargeObjects},
	} {
		if err := s.read(part.query, part.to); err != nil {
			return d, fmt.Errorf("read what the database has: %w", err)
		}
	}
	for i := range d.Tables {
		if err := s.measure(&d.Tables[i]); err != nil {
			return d, err
		}
	}
	d.Sequences, err = s.sequences()
	return d, err
}

func (s *session) measure(t *contract.BackupTable) error {
	if err := s.read(measureQuery(t.Schema, t.Name), &t.BackupCount); err != nil {
		return fmt.Errorf("count the rows of %s.%s: %w", t.Schema, t.Name, err)
	}
	return nil
}

// sequences reads the state of all sequences.
func (s *session) sequences() ([]contract.BackupSequence, error) {
	all := []contract.BackupSequence{}
	if err := s.read(relations("S"), &all); err != nil {
		return nil, fmt.Errorf("list the sequences: %w", err)
	}
	if len(all) == 0 {
		return all, nil
	}
	var parts []string
	for i, one := range all {
		parts = append(parts, fmt.Sprintf("SELECT %d AS n, %s AS schema, %s AS name, last_value, is_called FROM %s.%s", i,
			database.Literal(one.Schema), database.Literal(one.Name), database.Identifier(one.Schema), database.Identifier(one.Name)))
	}
	query := `SELECT json_agg(json_build_object('schema', schema, 'name', name, 'lastValue', last_value,
 'isCalled', is_called) ORDER BY n) FROM (` + strings.Join(parts, " UNION ALL ") + ") t"
	if err := s.read(query, &all); err != nil {
		return nil, fmt.Errorf("read the sequences: %w", err)
	}
	return all, nil
}
