package database

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"webstack/host/command"
)

// Container is the Postgres in a container of this host. It publishes no port, so statements run through its own psql.
type Container struct {
	// Name is the name of the container, User that of the superuser.
	Name, User string
	Run        command.Runner
	// Record is a file on the data volume with the superuser's name, so that it can be changed later.
	Record string
}

// psql runs statements as the superuser and returns what they print.
func (c *Container) psql(ctx context.Context, statements ...string) (string, error) {
	return c.psqlAs(ctx, c.User, statements...)
}

// psqlAs runs statements, passed by standard input, as a role. Postgres trusts local connections, so it needs no
// password. The connection does not leave the container, so it does not count towards the apps' limits.
func (c *Container) psqlAs(ctx context.Context, role string, statements ...string) (string, error) {
	out, err := c.Run.Run(ctx, command.Command{
		Name: "docker",
		Args: []string{
			// Over TCP, where Postgres also trusts local connections: while a new data directory is set up, a temporary server
			// answers on the socket.
			"exec", "-i", c.Name, "psql", "-h", "127.0.0.1", "-U", role, "-d", Maintenance, "--no-password",
			"--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse",
		},
		Stdin: strings.NewReader(strings.Join(statements, ";\n") + ";\n"),
	})
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// Value implements Server.
func (c *Container) Value(ctx context.Context, query string) (string, error) {
	return c.psql(ctx, query)
}

// Exec implements Server.
func (c *Container) Exec(ctx context.Context, statements ...string) error {
	_, err := c.psql(ctx, statements...)
	return err
}

// Differ compares the passwords with what Postgres stores, because local connections need no password.
func (c *Container) Differ(ctx context.Context, passwords map[string]string) ([]string, error) {
	text, err := c.psql(ctx, "SELECT coalesce(json_object_agg(rolname, coalesce(rolpassword, '')), '{}')::text FROM pg_authid")
	if err != nil {
		return nil, err
	}
	var stored map[string]string
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, fmt.Errorf("read the password verifiers of Postgres: %w", err)
	}
	var differ []string
	for role, password := range passwords {
		if !matches(stored[role], password) {
			differ = append(differ, role)
		}
	}
	slices.Sort(differ)
	return differ, nil
}

// answeredRE matches the answer of a working server whose superuser has another name: see Adopt.
var answeredRE = regexp.MustCompile(`role ".*" does not exist`)

// Wait returns when Postgres accepts connections, which takes a while on a new data directory and after a crash. After
// limit, it returns the last error.
func Wait(ctx context.Context, s Server, limit time.Duration) error {
	const pause = 500 * time.Millisecond
	for end := time.Now().Add(limit); ; {
		_, err := s.Value(ctx, "SELECT 1")
		if err == nil || answeredRE.MatchString(err.Error()) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("wait for Postgres: it accepts no connections after %v: %w", limit, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for Postgres: %w", ctx.Err())
		case <-time.After(pause):
		}
	}
}
