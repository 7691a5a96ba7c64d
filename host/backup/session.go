package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"webstack/host/command"
)

// appName is the application_name of all connections of a backup, by which those of a killed run are found.
const appName = "webstack-backup"

// overrides come before the settings of a database and its roles, which a check or a restore must not fail for.
const overrides = "-c statement_timeout=0 -c default_transaction_read_only=off -c role=none"

// server is a Postgres in a container.
type server struct {
	run             command.Runner
	container, user string
}

// command returns a run of a program in the container, connected to a database. It connects over TCP, where Postgres
// trusts local connections: while a new data directory is set up, a temporary server answers on the socket. The database's
// name is in the environment, because libpq takes an argument with "=" for a list of settings.
func (s server) command(database string, args ...string) command.Command {
	return command.Command{Name: "docker", Args: append([]string{
		"exec", "--interactive", "--env", "PGHOST=127.0.0.1", "--env", "PGUSER=" + s.user, "--env", "PGDATABASE=" + database,
		"--env", "PGAPPNAME=" + appName, "--env", "PGOPTIONS=" + overrides, s.container,
	}, args...)}
}

// psql are the arguments of psql for scripts.
var psql = []string{
	"psql", "--no-password", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1",
	"--set", "VERBOSITY=terse",
}

// exec runs statements and returns what they print.
func (s server) exec(ctx context.Context, database string, statements ...string) (string, error) {
	c := s.command(database, psql...)
	c.Stdin = strings.NewReader(strings.Join(statements, ";\n") + ";\n")
	out, err := s.run.Run(ctx, c)
	return strings.TrimSuffix(string(out), "\n"), err
}

// value runs a query that returns one JSON text and decodes that.
func (s server) value(ctx context.Context, database, query string, to any) error {
	text, err := s.exec(ctx, database, query)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fmt.Errorf("read the answer of Postgres: %w", err)
	}
	return nil
}

// session is a connection that lasts over several queries, and so can hold a snapshot.
type session struct {
	in     *os.File
	output *io.PipeReader
	out    *bufio.Reader
	stop   context.CancelFunc
	done   chan error
}

// open connects to a database. The caller closes the session.
func (s server) open(ctx context.Context, database string) (*session, error) {
	// A file, so that nothing waits for more input when psql has ended.
	input, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("connect to the database %s: %w", database, err)
	}
	ctx, stop := context.WithCancel(ctx)
	output, w := io.Pipe()
	c := s.command(database, psql...)
	c.Stdin, c.Stdout = input, w
	opened := &session{in: in, output: output, out: bufio.NewReader(output), stop: stop, done: make(chan error, 1)}
	go func() {
		_, err := s.run.Run(ctx, c)
		_ = input.Close()
		opened.done <- err
		_ = w.Close()
	}()
	if _, err := opened.query(settings); err != nil {
		opened.close()
		return nil, fmt.Errorf("connect to the database %s: %w", database, err)
	}
	return opened, nil
}

// endMark is a line that ends the result of a query. JSON text never has such a line.
const endMark = "-- end of result --"

// query runs a statement and returns what it prints.
func (s *session) query(statement string) (string, error) {
	_, err := io.WriteString(s.in, statement+";\n\\echo "+endMark+"\n")
	var result strings.Builder
	for err == nil {
		var line string
		if line, err = s.out.ReadString('\n'); strings.TrimSuffix(line, "\n") == endMark {
			return strings.TrimSuffix(result.String(), "\n"), nil
		}
		result.WriteString(line)
	}
	// psql ends at the first error; why is in the error of its run.
	ended := s.end()
	if ended != nil {
		return "", ended
	}
	return "", errors.New("psql ended before it answered")
}

// read runs a query that returns one JSON text and decodes that.
func (s *session) read(statement string, to any) error {
	text, err := s.query(statement)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fmt.Errorf("read the answer of Postgres: %w", err)
	}
	return nil
}

// close ends the session, and its transaction.
func (s *session) close() {
	s.stop()
	_ = s.end()
}

// end waits until psql has ended, which the end of its input causes, and returns its error.
func (s *session) end() error {
	_ = s.in.Close()
	_ = s.output.Close()
	ended := <-s.done
	s.done <- ended
	return ended
}
