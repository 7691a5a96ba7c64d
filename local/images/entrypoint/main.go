// Command entrypoint is the first program of a Postgres container. It does what the one of the official image does with
// the settings that a stack uses: a new data directory is set up from POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and
// POSTGRES_INITDB_ARGS, or from the files that the same names with _FILE behind them give, and then Postgres takes this
// program's place, as the user postgres. Any other command is run as it is.
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

// start sets up what args needs and becomes it; it returns only what went wrong.
func start(ctx context.Context, args []string) error {
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		args = append([]string{"postgres"}, args...)
	}
	if len(args) == 0 {
		return fmt.Errorf("no command is given; give postgres, and its options")
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

// asksOnly tells whether Postgres is asked something for which it needs no data directory.
func asksOnly(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		return slices.Contains([]string{"-?", "--help", "--describe-config", "-V", "--version"}, arg)
	})
}
