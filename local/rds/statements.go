package rds

import (
	"strings"

	"webstack/host/database"
)

// maintenance is the database that every server has.
const maintenance = "postgres"

// setUp returns the statements that make a new server like one of RDS: its databases belong to the master user, who has
// the rights of the role rds_superuser.
func setUp(spec Spec) ([]string, error) {
	verifier, err := database.Verifier(spec.Password)
	if err != nil {
		return nil, err
	}
	user := identifier(spec.User)
	statements := []string{
		"CREATE ROLE rds_superuser",
		"GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION",
		"CREATE ROLE " + user + " LOGIN CREATEDB CREATEROLE PASSWORD " + literal(verifier),
		"GRANT rds_superuser TO " + user,
		"ALTER DATABASE " + maintenance + " OWNER TO " + user,
		"ALTER DATABASE template1 OWNER TO " + user,
		"REVOKE ALL ON DATABASE " + Superuser + " FROM PUBLIC",
	}
	if spec.Database != "" && spec.Database != maintenance {
		statements = append(statements, "CREATE DATABASE "+identifier(spec.Database)+" OWNER "+user)
	}
	return statements, nil
}

func alterPassword(user, password string) (string, error) {
	verifier, err := database.Verifier(password)
	return "ALTER ROLE " + identifier(user) + " PASSWORD " + literal(verifier), err
}

// identifier quotes a name, literal a text, for SQL.
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(text string) string { return `'` + strings.ReplaceAll(text, `'`, `''`) + `'` }
