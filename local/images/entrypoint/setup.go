package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// setUp sets up a new data directory; an existing one is left alone. options are Postgres's own.
func setUp(ctx context.Context, s settings, options []string) error {
	if s.exists() {
		return nil
	}
	if s.password == "" {
		return errors.New("set up a new database: POSTGRES_PASSWORD is not set; set it to the superuser's password")
	}
	if err := s.initialise(ctx); err != nil {
		return fmt.Errorf("set up a new database: %w", err)
	}
	if err := s.allowHosts(); err != nil {
		return fmt.Errorf("set up a new database: %w", err)
	}
	if s.database == "postgres" {
		return nil // it is there from the beginning
	}
	return s.createDatabase(ctx, options)
}

// initialise creates the data directory. The password goes through a pipe, so it is not in any file or argument.
func (s settings) initialise(ctx context.Context) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = read.Close() }()
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(write, s.password+"\n")
		written <- errors.Join(err, write.Close())
	}()
	args := append([]string{"--pgdata=" + s.data, "--username=" + s.user, "--pwfile=/dev/fd/3"}, s.initArgs...)
	initdb := command(ctx, "initdb", args...)
	initdb.ExtraFiles = []*os.File{read}
	if err := initdb.Run(); err != nil {
		return fmt.Errorf("run initdb: %w", err)
	}
	return <-written
}

// allowHosts lets in everybody who knows a password. The socket lets everybody in, as initdb sets it.
func (s settings) allowHosts() error {
	file, err := os.OpenFile(filepath.Join(s.data, "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, "\nhost all all all scram-sha-256\n")
	return errors.Join(err, file.Close())
}

// createDatabase creates the first database on a server that nobody else can reach.
func (s settings) createDatabase(ctx context.Context, options []string) error {
	options = append(append([]string{}, options...), "-c", "listen_addresses=")
	for i, option := range options {
		options[i] = quote(option)
	}
	server := []string{"--pgdata=" + s.data, "--wait"}
	start := append(server, "--options="+strings.Join(options, " "), "start")
	if err := command(ctx, "pg_ctl", start...).Run(); err != nil {
		return fmt.Errorf("start Postgres to create the first database: %w", err)
	}
	err := command(ctx, "createdb", "--username="+s.user, "--no-password", "--maintenance-db=postgres", "--", s.database).Run()
	if err != nil {
		err = fmt.Errorf("create database %q: %w", s.database, err)
	}
	if stop := command(ctx, "pg_ctl", append(server, "--mode=fast", "stop")...).Run(); stop != nil {
		err = errors.Join(err, fmt.Errorf("stop Postgres: %w", stop))
	}
	return err
}

// command returns a program of Postgres, which is asked to end when ctx does.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	return cmd
}

// quote quotes one word for the shell that pg_ctl starts Postgres with.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
