package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// schema creates the tables. The lock keeps two containers that start at the same time from creating them twice.
const schema = `
SELECT pg_advisory_xact_lock(5402103);
CREATE TABLE IF NOT EXISTS visits (one boolean PRIMARY KEY DEFAULT true CHECK (one), count bigint NOT NULL);
CREATE TABLE IF NOT EXISTS guestbook (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,
	message text NOT NULL,
	written timestamptz NOT NULL DEFAULT now()
);
INSERT INTO visits (count) VALUES (0) ON CONFLICT DO NOTHING;`

const shownEntries = 10

// database is the guestbook in Postgres. It connects when it is first used, so that the app starts without it.
type database struct {
	pool *pgxpool.Pool
	mu   sync.Mutex
	// ready is true once the tables are known to exist.
	ready bool
}

func openDatabase(url string) (*database, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The cause contains the address with its password.
		return nil, errors.New("read DATABASE_URL: it is not an address such as postgres://user:password@host:5432/database")
	}
	config.MaxConns = 5
	config.ConnConfig.ConnectTimeout = 3 * time.Second
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &database{pool: pool}, nil
}

// name returns the database's, which on a Webstack server is the app's.
func (d *database) name() string { return d.pool.Config().ConnConfig.Database }

func (d *database) Close() { d.pool.Close() }

// prepare creates the tables, once.
func (d *database) prepare(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ready {
		return nil
	}
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, schema)
		return err
	})
	if err != nil {
		return fmt.Errorf("create the tables: %w", err)
	}
	d.ready = true
	return nil
}

func (d *database) Check(ctx context.Context) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := d.pool.Ping(ctx); err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}

func (d *database) Visit(ctx context.Context) (int64, []entry, error) {
	if err := d.prepare(ctx); err != nil {
		return 0, nil, err
	}
	var visits int64
	if err := d.pool.QueryRow(ctx, `UPDATE visits SET count = count + 1 RETURNING count`).Scan(&visits); err != nil {
		return 0, nil, fmt.Errorf("count the visit: %w", err)
	}
	rows, err := d.pool.Query(ctx, `SELECT name, message, written FROM guestbook ORDER BY id DESC LIMIT $1`, shownEntries)
	if err != nil {
		return 0, nil, fmt.Errorf("read the guestbook: %w", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entry])
	if err != nil {
		return 0, nil, fmt.Errorf("read the guestbook: %w", err)
	}
	return visits, entries, nil
}

func (d *database) Write(ctx context.Context, name, message string) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if _, err := d.pool.Exec(ctx, `INSERT INTO guestbook (name, message) VALUES ($1, $2)`, name, message); err != nil {
		return fmt.Errorf("write to the guestbook: %w", err)
	}
	return nil
}
