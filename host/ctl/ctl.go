package ctl

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"runtime"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/volume"
)

// Exit codes of Main.
const (
	// ExitOK says that the command succeeded.
	ExitOK = 0
	// ExitFailed says that it failed; the error is on Stderr.
	ExitFailed = 1
	// ExitUsage says that its arguments were wrong and it did nothing.
	ExitUsage = 2
)

const help = `webstackctl changes and inspects a Webstack host.

Usage:
  webstackctl mount --volume ID [--wait DURATION] [--stack-dir DIR]
        mount the data volume, now and at every boot; format it first if it is new
  webstackctl converge --volume ID --bucket NAME --manifest-sha256 SUM [--stack-dir DIR] [--region REGION]
        apply the bundle in the bucket and the parameters in Parameter Store
  webstackctl deploy APP --release RELEASE [--action deploy|rollback] [--by ARN] [--commit ID] [--run URL] [--stack-dir DIR]
        deploy TAG, TAG@sha256:DIGEST or sha256:DIGEST, or roll back to RELEASE or to the previous one
  webstackctl deploy APP --action watch --command ID [--from BYTE]
        print what a deploy has printed so far
  webstackctl backup --bucket NAME [--stack-dir DIR] [APP]...
        back up the databases of these apps, or of all apps and the default one, and verify each backup by restoring it
  webstackctl backup --action watch --command ID [--from BYTE]
        print what a backup has printed so far
  webstackctl restore --bucket NAME [--at latest|TIME|ID] [--to NAME] [--confirm NAME] [--stack-dir DIR] APP
        restore the database of an app from a backup; --to restores to a new database and leaves the app alone
  webstackctl restore --bucket NAME --all [--at latest|TIME|ID] [--confirm all] [--stack-dir DIR]
        restore the databases of all apps and the default one; --confirm all replaces those that are not empty, too
  webstackctl restore --bucket NAME --action forget [--at ID] [--stack-dir DIR] APP
        drop what the restore with this ID, or every restore, has replaced; with --all instead of APP, for all databases
  webstackctl restore --action watch --command ID [--from BYTE]
        print what a restore has printed so far
  webstackctl exec APP [--new] [--terminal] [--stack-dir DIR] -- COMMAND...
        run a command in the live container of an app, or in a new one, and exit with its code
  webstackctl maintenance APP on|off [--message-base64 TEXT] [--stack-dir DIR]
        answer the visitors of an app with a maintenance page, or no longer
  webstackctl status [--json] [--stack-dir DIR]
        print the status of the host and its apps
  webstackctl logs APP [--lines N] [--since TIME] [--timestamps] [--stack-dir DIR]
        print the last lines of the log of an app, caddy or postgres; TIME is an age such as 10m, or in RFC 3339 format
  webstackctl up [--stack-dir DIR]
        limit the connections to the web ports; runs at each boot
  webstackctl down [--stack-dir DIR]
        stop the containers before the host shuts down, each within its own grace period
  webstackctl version
        print the bundle format version and the Go version
  webstackctl help
        print this help

Exit codes: 0 success, 1 failure, 2 usage error; exec exits with the code of its command.
`

// Command is webstackctl with its streams. The other fields are for tests; their zero values mean the real host.
type Command struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Run runs the host's programs.
	Run command.Runner
	// Root is where the file system begins.
	Root string
	// Web sends notifications.
	Web *http.Client
	// System has the paths for the data volume.
	System volume.System
}

// errUsage marks an error that is the caller's.
var errUsage = errors.New("run webstackctl help")

// Main runs the command with the arguments after the program's name and returns the exit code.
func (c Command) Main(args []string) int {
	err := c.run(context.Background(), args)
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(c.Stdout, help)
		return ExitOK
	}
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	_, _ = fmt.Fprintf(c.Stderr, "webstackctl: %v\n", err)
	if errors.Is(err, errUsage) {
		return ExitUsage
	}
	return ExitFailed
}

func (c Command) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no command given: %w", errUsage)
	}
	switch name, rest := args[0], args[1:]; name {
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	case "version":
		return c.version(rest)
	case "mount":
		return c.mount(ctx, rest)
	case "converge":
		return c.converge(ctx, rest)
	case "status":
		return c.status(ctx, rest)
	case "deploy":
		return c.deploy(ctx, rest)
	case "backup":
		return c.backup(ctx, rest)
	case "restore":
		return c.restore(ctx, rest)
	case "exec":
		return c.exec(ctx, rest)
	case "maintenance":
		return c.maintenance(ctx, rest)
	case "up":
		return c.up(ctx, rest)
	case "down":
		return c.down(ctx, rest)
	case "logs":
		return c.logs(ctx, rest)
	default:
		return fmt.Errorf("unknown command %q: %w", name, errUsage)
	}
}

func (c Command) version(args []string) error {
	if err := parse(flag.NewFlagSet("version", flag.ContinueOnError), args); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.Stdout, "webstackctl: bundle format %d, %s, %s/%s\n",
		contract.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// stackDir adds the flag that all commands have.
func stackDir(flags *flag.FlagSet) *string {
	return flags.String("stack-dir", contract.DefaultStackDir, "")
}

func checkStackDir(dir string) error {
	if err := contract.CheckStackDir(dir); err != nil {
		return fmt.Errorf("--stack-dir: %w: %w", err, errUsage)
	}
	return nil
}

// parse parses flags and accepts no other arguments.
func parse(flags *flag.FlagSet, args []string) error {
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q: %w", flags.Name(), flags.Arg(0), errUsage)
	}
	return nil
}

// parseFlags parses flags. Main prints the messages.
func parseFlags(flags *flag.FlagSet, args []string) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return fmt.Errorf("%s: %w: %w", flags.Name(), err, errUsage)
	}
	return err
}
