package backup

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"webstack/contract"
	"webstack/host/database"
)

// compare returns how a restored database differs from the one that was dumped. before and after are the sequences
// before and after the dump: an application may use them while it runs, and then the dump has a value in between.
func compare(want, got contract.BackupDatabase, after []contract.BackupSequence) (problems, warnings []string) {
	differ := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, field := range []struct{ what, want, got string }{
		{"name", want.Name, got.Name}, {"owner", want.Owner, got.Owner}, {"encoding", want.Encoding, got.Encoding},
		{"locale provider", want.Provider, got.Provider}, {"collation", want.Collate, got.Collate},
		{"character type", want.Ctype, got.Ctype}, {"locale", want.Locale, got.Locale},
		{"settings", strings.Join(want.Settings, ", "), strings.Join(got.Settings, ", ")},
		{"grants", strings.Join(want.Grants, ", "), strings.Join(got.Grants, ", ")},
	} {
		if field.want != field.got {
			differ("the %s is %q, not %q", field.what, field.got, field.want)
		}
	}
	warnings = compareExtensions(want.Extensions, got.Extensions, differ)
	compareTables(want.Tables, got.Tables, differ)
	compareSequences(want.Sequences, got.Sequences, after, differ)
	if want.LargeObjects != got.LargeObjects {
		differ("the large objects differ: %d instead of %d", got.LargeObjects.Rows, want.LargeObjects.Rows)
	}
	switch {
	case want.Objects.Rows != got.Objects.Rows:
		differ("there are %d tables, indexes, functions and so on instead of %d", got.Objects.Rows, want.Objects.Rows)
	case want.Objects.Hash != got.Objects.Hash:
		differ("tables, indexes, functions and so on have other names or owners")
	}
	return problems, warnings
}

// compareExtensions only warns about versions: a restore installs the image's version, as a dump does not have one.
func compareExtensions(want, got []contract.BackupExtension, differ func(string, ...any)) (warnings []string) {
	for _, e := range want {
		i := slices.IndexFunc(got, func(o contract.BackupExtension) bool { return o.Name == e.Name })
		switch {
		case i < 0:
			differ("the extension %s is missing", e.Name)
		case got[i].Version != e.Version:
			warnings = append(warnings, fmt.Sprintf("the extension %s has version %s, and %s after a restore; run "+
				"ALTER EXTENSION %s UPDATE", e.Name, e.Version, got[i].Version, database.Identifier(e.Name)))
		case got[i].Schema != e.Schema:
			differ("the extension %s is in the schema %s, not %s", e.Name, got[i].Schema, e.Schema)
		}
	}
	if len(got) > len(want) {
		differ("there are %d extensions instead of %d", len(got), len(want))
	}
	return warnings
}

func compareTables(want, got []contract.BackupTable, differ func(string, ...any)) {
	type name struct{ schema, table string }
	restored := map[name]contract.BackupCount{}
	for _, t := range got {
		restored[name{t.Schema, t.Name}] = t.BackupCount
	}
	for _, t := range want {
		count, ok := restored[name{t.Schema, t.Name}]
		switch {
		case !ok:
			differ("the table %s.%s is missing", t.Schema, t.Name)
		case count.Rows != t.Rows:
			differ("the table %s.%s has %d rows instead of %d", t.Schema, t.Name, count.Rows, t.Rows)
		case count.Hash != t.Hash:
			differ("the table %s.%s has %d rows, but other ones", t.Schema, t.Name, t.Rows)
		}
	}
	if len(got) > len(want) {
		differ("there are %d tables instead of %d", len(got), len(want))
	}
}

func compareSequences(before, got, after []contract.BackupSequence, differ func(string, ...any)) {
	type name struct{ schema, sequence string }
	restored, later := map[name]contract.BackupSequence{}, map[name]contract.BackupSequence{}
	for _, s := range got {
		restored[name{s.Schema, s.Name}] = s
	}
	for _, s := range after {
		later[name{s.Schema, s.Name}] = s
	}
	for _, s := range before {
		r, ok := restored[name{s.Schema, s.Name}]
		l := later[name{s.Schema, s.Name}]
		switch {
		case !ok:
			differ("the sequence %s.%s is missing", s.Schema, s.Name)
		case s == l && r != s,
			r.LastValue < min(s.LastValue, l.LastValue), r.LastValue > max(s.LastValue, l.LastValue):
			differ("the sequence %s.%s is at %d instead of %d", s.Schema, s.Name, r.LastValue, s.LastValue)
		}
	}
	if len(got) > len(before) {
		differ("there are %d sequences instead of %d", len(got), len(before))
	}
}

// maxDifferences is how many differences an error has.
const maxDifferences = 5

// differences makes an error of what compare found.
func differences(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	text := strings.Join(problems[:min(len(problems), maxDifferences)], "; ")
	if more := len(problems) - maxDifferences; more > 0 {
		text += fmt.Sprintf("; and %d more differences", more)
	}
	return errors.New("the restored database differs: " + text)
}

// errCanary says that the comparison accepts what it must not.
var errCanary = errors.New("the check of backups does not work: it accepted a database that lacks a row; do not trust " +
	"this backup")

// canary measures a restored table without one of its rows, and expects that the comparison finds out, by the number of
// rows and by their hash alone. If all tables are empty, it expects one table more than there is.
func (s *session) canary(want contract.BackupDatabase) error {
	bad := want
	bad.Tables = slices.Clone(want.Tables)
	i := slices.IndexFunc(want.Tables, func(t contract.BackupTable) bool { return t.Rows > 0 })
	if i < 0 {
		bad.Tables = append(bad.Tables, contract.BackupTable{Schema: "public", Name: "webstack canary"})
		return refused(bad, want)
	}
	t := &bad.Tables[i]
	query := measureQuery(t.Schema, t.Name) + " WHERE ctid <> (SELECT ctid FROM ONLY " + database.Identifier(t.Schema) + "." +
		database.Identifier(t.Name) + " LIMIT 1)"
	if err := s.read(query, &t.BackupCount); err != nil {
		return fmt.Errorf("seed a bad backup: %w", err)
	}
	if err := refused(want, bad); err != nil {
		return err
	}
	t.Rows = want.Tables[i].Rows
	return refused(want, bad)
}

// refused expects that a comparison finds a difference.
func refused(want, bad contract.BackupDatabase) error {
	if problems, _ := compare(want, bad, want.Sequences); len(problems) == 0 {
		return errCanary
	}
	return nil
}
