package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// settings are the settings from the environment.
type settings struct {
	// data is the data directory.
	data string
	// user and password are the superuser's, database is the first database's name.
	user, password, database string
	// initArgs are further arguments of initdb.
	initArgs []string
}

// readSettings reads the environment. A password is needed only if the data directory is empty.
func readSettings(env func(string) string) (settings, error) {
	var problems []error
	get := func(name string) string {
		value, err := value(env, name)
		problems = append(problems, err)
		return value
	}
	s := settings{
		data:     cmp.Or(env("PGDATA"), "/var/lib/postgresql/data"),
		user:     cmp.Or(get("POSTGRES_USER"), "postgres"),
		password: get("POSTGRES_PASSWORD"),
		initArgs: strings.Fields(get("POSTGRES_INITDB_ARGS")),
	}
	s.database = cmp.Or(get("POSTGRES_DB"), s.user)
	return s, errors.Join(problems...)
}

// value returns the value of a variable, or the content of the file named by the variable with the suffix _FILE,
// without trailing new lines.
func value(env func(string) string, name string) (string, error) {
	plain, file := env(name), env(name+"_FILE")
	switch {
	case plain != "" && file != "":
		return "", fmt.Errorf("read %s: %s_FILE is set too; set one of them", name, name)
	case file == "":
		return plain, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read %s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(content), "\n"), nil
}

// exists reports whether the data directory has been set up.
func (s settings) exists() bool {
	info, err := os.Stat(filepath.Join(s.data, "PG_VERSION"))
	return err == nil && info.Size() > 0
}
