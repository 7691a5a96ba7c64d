package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/database"
)

const (
	// scratchMemory limits the memory of the throwaway server with everything that runs in its container.
	scratchMemory = "256m"
	// scratchWait is how long it may take to set up its data directory and to answer.
	scratchWait = 3 * time.Minute
)

// scratch is the throwaway server that backups are restored into. It has no network.
type scratch struct {
	server
	dir string
}

// startScratch starts the server with an empty data directory in dir, from the image of the server that was dumped, and
// gives it the roles of that server. Nothing that it writes needs to survive a crash.
func (b *run) startScratch(ctx context.Context, globals []byte) (*scratch, error) {
	s := &scratch{server: server{run: b.Run, container: contract.BackupVerifyContainer, user: b.user}, dir: filepath.Join(b.dir, "server")}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the directory of the throwaway server: %w", err)
	}
	args := []string{
		"run", "--detach", "--name", s.container, "--network", "none", "--restart", "no",
		"--memory", scratchMemory, "--pids-limit", "256", "--cpu-shares", "64", "--shm-size", "64m",
		"--security-opt", "no-new-privileges:true", "--cap-drop", "ALL",
	}
	// The image starts as root, gives the data directory to the user postgres, and continues as that user.
	for _, capability := range []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"} {
		args = append(args, "--cap-add", capability)
	}
	args = append(args,
		"--volume", s.dir+":/var/lib/postgresql/data", "--env", "POSTGRES_USER="+s.user, "--env", "POSTGRES_DB=postgres",
		"--env", "POSTGRES_INITDB_ARGS=--no-sync", "--env", "POSTGRES_PASSWORD", b.image.id, "postgres")
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal",
		"max_wal_senders=0", "max_wal_size=256MB", "shared_buffers=32MB", "maintenance_work_mem=48MB", "work_mem=8MB",
		"max_parallel_workers=0", "max_parallel_maintenance_workers=0", "max_connections=10", "autovacuum=off",
		"log_statement=none", "log_min_error_statement=panic", "log_error_verbosity=terse",
	} {
		args = append(args, "-c", setting)
	}
	// Nobody needs the password: the server trusts connections from its own container, and there are no others.
	if _, err := b.Run.Run(ctx, command.Command{Name: "docker", Args: args, Env: []string{"POSTGRES_PASSWORD=" + rand.Text()}}); err != nil {
		return nil, fmt.Errorf("start the throwaway server: %w", err)
	}
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	// A backup may be of a database with this name.
	if _, err := s.exec(ctx, database.Template, "DROP DATABASE postgres"); err != nil {
		return nil, fmt.Errorf("prepare the throwaway server: %w", err)
	}
	c := s.command(database.Template, psql...)
	c.Stdin = strings.NewReader(withoutRole(string(globals), s.user))
	if _, err := s.run.Run(ctx, c); err != nil {
		return nil, fmt.Errorf("restore the roles: %w", err)
	}
	return s, nil
}

// wait waits until the server answers.
func (s *scratch) wait(ctx context.Context) error {
	for end := time.Now().Add(scratchWait); ; {
		_, err := s.exec(ctx, database.Template, "SELECT 1")
		if err == nil {
			return nil
		}
		state, inspect := s.run.Run(ctx, command.Command{
			Name: "docker", Args: []string{"inspect", "--format", "{{.State.Running}}", s.container},
		})
		if ended := inspect == nil && strings.TrimSpace(string(state)) == "false"; ended || time.Now().After(end) {
			return fmt.Errorf("wait for the throwaway server: %w; it said:\n%s", err, s.lastLines(ctx))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the throwaway server: %w", context.Cause(ctx))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *scratch) lastLines(ctx context.Context) string {
	var out strings.Builder
	_, _ = s.run.Run(ctx, command.Command{
		Name: "docker", Args: []string{"logs", "--tail", "5", s.container}, Stdout: &out, Stderr: &out,
	})
	return out.String()
}

// restore restores a dump with its database's name, settings and grants. It stops at the first error.
func (s *scratch) restore(ctx context.Context, dump io.Reader) error {
	c := s.command(database.Template, "pg_restore", "--exit-on-error", "--create", "--no-password", "--dbname", database.Template)
	c.Stdin = dump
	if _, err := s.run.Run(ctx, c); err != nil {
		return fmt.Errorf("restore the dump: %w", withoutData(err))
	}
	return nil
}

// checkTables compares each index with its table and the tables with what Postgres expects.
func (s server) checkTables(ctx context.Context, database string) error {
	out, err := s.run.Run(ctx, s.command(database, "pg_amcheck", "--install-missing", "--heapallindexed", "--no-password"))
	if err != nil {
		return fmt.Errorf("check the restored tables and indexes: %w\n%s", withoutData(err), onlyErrors(string(out)))
	}
	return nil
}

// withoutData takes the lines with rows of the app out of a program's messages.
func withoutData(err error) error {
	if exit := (*command.ExitError)(nil); errors.As(err, &exit) {
		return &command.ExitError{Program: exit.Program, Code: exit.Code, Message: onlyErrors(exit.Message)}
	}
	return err
}

// quotesRE matches the beginnings of lines in which Postgres quotes rows. A context has several lines.
var quotesRE = regexp.MustCompile(`^(DETAIL:|CONTEXT:|COPY .*, line [0-9]+)`)

// onlyErrors leaves out the lines in which Postgres quotes rows.
func onlyErrors(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !quotesRE.MatchString(line) {
			kept = append(kept, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(kept, "\n")
}

// withoutRole takes the statement that creates a role out of the text of pg_dumpall: the throwaway server has its
// superuser from the start, because only the first one may grant roles in its own name.
func withoutRole(globals, role string) string {
	for _, name := range []string{role, database.Identifier(role)} {
		statement := "\nCREATE ROLE " + name + ";\n"
		if strings.Contains(globals, statement) {
			return strings.Replace(globals, statement, "\n", 1)
		}
	}
	return globals
}

// tidy removes what a killed run has left: its server, its files, its connections, and the copy of a database that was
// being restored. What cannot be removed is reported, because it takes space.
func (b *run) tidy(ctx context.Context) error {
	if err := b.removeScratch(ctx); err != nil {
		return err
	}
	entries, err := os.ReadDir(b.Dir)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("look for the files of an interrupted backup: %w", err)
	}
	for _, entry := range entries {
		if _, err := contract.ParseBackupID(entry.Name()); err != nil {
			continue // somebody's own dump
		}
		if err := os.RemoveAll(filepath.Join(b.Dir, entry.Name())); err != nil {
			return fmt.Errorf("remove the files of an interrupted backup: %w", err)
		}
	}
	if err := b.disconnect(ctx); err != nil {
		return err
	}
	return b.dropRestoring(ctx)
}

// disconnect ends the connections of a killed backup, which would hold its locks.
func (b *run) disconnect(ctx context.Context) error {
	_, err := b.exec(ctx, database.Maintenance, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "+
		database.Literal(appName)+" AND pid <> pg_backend_pid()")
	if err != nil {
		return fmt.Errorf("end the connections of an interrupted backup: %w", err)
	}
	return nil
}

func (b *run) removeScratch(ctx context.Context) error {
	_, err := b.Run.Run(ctx, command.Command{
		Name: "docker", Args: []string{"rm", "--force", "--volumes", contract.BackupVerifyContainer},
	})
	if err != nil && !strings.Contains(err.Error(), "No such container") {
		return fmt.Errorf("remove the throwaway server: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(b.dir, "server")); err != nil {
		return fmt.Errorf("remove the files of the throwaway server: %w", err)
	}
	return nil
}
