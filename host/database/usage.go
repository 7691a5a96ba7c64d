package database

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Usage says how much of the server is in use.
type Usage struct {
	// Usable is how many connections all apps have together.
	Usable int
	// Roles has the usage of each role that may log in, by name.
	Roles map[string]RoleUsage
}

// RoleUsage is what a role uses.
type RoleUsage struct {
	// Connections is how many connections it holds, Limit how many it may hold, -1 for any number.
	Connections int `json:"connections"`
	Limit       int `json:"limit"`
	// Size is the size of the database with the same name, in bytes.
	Size int64 `json:"size"`
}

const usageQuery = `SELECT json_build_object('slots', ` + slotsQuery + `,
 'roles', (SELECT json_object_agg(rolname, json_build_object('limit', rolconnlimit,
   'connections', (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid),
   'size', (SELECT coalesce(max(pg_database_size(d.oid)), 0) FROM pg_database d
     WHERE d.datname = r.rolname AND d.datdba = r.oid))) FROM pg_roles r WHERE rolcanlogin)
)::text`

// ReadUsage reads how much of the server is in use. It fails if the server does not accept connections.
func ReadUsage(ctx context.Context, s Server) (Usage, error) {
	text, err := s.Value(ctx, usageQuery)
	if err != nil {
		return Usage{}, fmt.Errorf("read the usage of Postgres: %w", err)
	}
	var answer struct {
		Slots slots
		Roles map[string]RoleUsage
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return Usage{}, fmt.Errorf("read the usage of Postgres: %w", err)
	}
	return Usage{Usable: answer.Slots.usable(), Roles: answer.Roles}, nil
}

// Try opens a connection like an app does, by its DATABASE_URL, and closes it. If address, an IP, is not "", it
// replaces the URL's host, which only containers can resolve. The error is one line without the password.
func Try(ctx context.Context, url, address string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// The parser's error may quote the URL.
		return errors.New("DATABASE_URL is not a Postgres URL")
	}
	if address != "" {
		config.Host = address
	}
	config.ConnectTimeout = connectTimeout
	conn, err := pgx.ConnectConfig(ctx, config)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("Postgres refuses the connection: %s", refused.Message) //nolint:staticcheck // a name
	case err != nil:
		return fmt.Errorf("connect to Postgres: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return conn.Close(ctx)
}
