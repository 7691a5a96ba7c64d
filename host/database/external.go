package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"webstack/contract"
)

// External is a Postgres server elsewhere, connected over TLS.
type External struct {
	// Address is "host:port".
	Address string
	// User and Password are those of the superuser.
	User, Password string
}

// connectTimeout is how long one attempt to connect may take.
const connectTimeout = 10 * time.Second

// with calls f with a connection of the superuser.
func (e *External) with(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := connect(ctx, e.Address, e.User, e.Password, Maintenance)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return f(conn)
}

func connect(ctx context.Context, address, role, password, database string) (*pgx.Conn, error) {
	// The URL uses the role's name as the database; they differ only for the superuser.
	config, err := pgx.ParseConfig(contract.DatabaseURL(address, role, password))
	if err != nil {
		// The parser's error may quote the URL, including the password.
		return nil, fmt.Errorf("connect to Postgres at %q as %s: the address is not host:port", address, role)
	}
	config.Database = database
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["client_encoding"] = "UTF8"
	// Statements like CREATE DATABASE take no parameters and are not prepared.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres at %s as %s: %w", address, role, err)
	}
	return conn, nil
}

// Adopt implements Server. A managed service creates its superuser with the configured name.
func (e *External) Adopt(context.Context, io.Writer) error { return nil }

// Value implements Server.
func (e *External) Value(ctx context.Context, query string) (value string, err error) {
	err = e.with(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT ("+query+")::text").Scan(&value)
	})
	return value, err
}

// Exec implements Server.
func (e *External) Exec(ctx context.Context, statements ...string) error {
	return e.with(ctx, func(conn *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", kind(statement), err)
			}
		}
		return nil
	})
}

// kind returns the first words of a statement, which contain no password.
func kind(statement string) string {
	words := strings.Fields(statement)
	return strings.ToLower(strings.Join(words[:min(2, len(words))], " "))
}

// Differ tries each password, because a managed service does not show what it stores.
func (e *External) Differ(ctx context.Context, passwords map[string]string) ([]string, error) {
	var differ []string
	for _, role := range slices.Sorted(maps.Keys(passwords)) {
		conn, err := connect(ctx, e.Address, role, passwords[role], role)
		if err == nil {
			_ = conn.Close(ctx)
			continue
		}
		var refused *pgconn.PgError
		if !errors.As(err, &refused) {
			return nil, err
		}
		// Any other error, such as that the database is missing, comes after the password was accepted.
		if slices.Contains([]string{invalidPassword, invalidAuthorization}, refused.Code) {
			differ = append(differ, role)
		}
	}
	return differ, nil
}

// Error codes of Postgres for a refused password or role.
const (
	invalidAuthorization = "28000"
	invalidPassword      = "28P01"
)
