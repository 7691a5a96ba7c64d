// Command entrypoint is the first program of a Postgres container. For the settings that a stack uses it does what the
// official image's does: it sets up a new data directory from POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and
// POSTGRES_INITDB_ARGS, or from the files named by the same variables with the suffix _FILE, and then replaces itself
// with Postgres, as the user postgres. Any other command is run unchanged.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

// start sets up what args needs and replaces this program with it. It returns only if that fails.
func start(ctx context.Context, args []string) error {
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		args = append([]string{"postgres"}, args...)
	}
	if len(args) == 0 {
		return fmt.Errorf("no command given; give postgres and its options")
	}
	if args[0] == "postgres" && !asksOnly(args[1:]) {
		s, err := readSettings(os.Getenv)
		if err != nil {
			return err
		}
		if err := ownDirectories(s.data); err != nil {
			return err
		}
		if err := setUp(ctx, s, args[1:]); err != nil {
			return err
		}
	}
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return syscall.Exec(program, args, os.Environ())
}

// asksOnly reports whether Postgres is called in a way that needs no data directory.
func asksOnly(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		return slices.Contains([]string{"-?", "--help", "--describe-config", "-V", "--version"}, arg)
	})
}
