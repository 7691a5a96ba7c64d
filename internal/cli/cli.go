package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"webstack/internal/printable"
	"webstack/local/workdir"
)

// The exit statuses of the command.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Command is one call of webstack.
type Command struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Dir is the folder the command was called in; the clone is looked for from there upwards.
	Dir string

	// raw is where Stdout and Stderr lead. Main puts a filter before them: what hosts, apps and visitors have written
	// must not steer the operator's terminal.
	raw streams
}

// streams are the outputs of the process, which pass everything.
type streams struct{ stdout, stderr io.Writer }

// filtered returns the command with outputs that show control characters instead of passing them on.
func (c Command) filtered() Command {
	c.raw = streams{stdout: c.Stdout, stderr: c.Stderr}
	c.Stdout, c.Stderr = &printable.Writer{Out: c.Stdout}, &printable.Writer{Out: c.Stderr}
	return c
}

// action is a subcommand of webstack local.
type action struct {
	name, help string
	run        func(ctx context.Context, l *local) error
	flags      func(l *local, flags *flag.FlagSet)
}

var localActions = []action{
	{name: "up", help: "bring up the laptop cloud and the stack local on it; again: apply what changed", run: up},
	{name: "preview", help: "show what up would change; --full shows every property, as Pulumi does", run: previewChanges,
		flags: func(l *local, flags *flag.FlagSet) { flags.BoolVar(&l.full, "full", false, "") }},
	{name: "build", help: "build and install what up needs, and start nothing", run: build},
	{name: "refresh", help: "bring the state to what is really in the laptop cloud", run: refresh},
	{name: "status", help: "show whether the laptop cloud runs, and what is on it", run: status},
	{name: "destroy", help: "destroy the stack; the laptop cloud keeps running", run: destroy},
	{name: "stop", help: "stop the laptop cloud; what is on it is gone, and made anew by the next up", run: stop},
	{name: "down", help: "destroy the stack, stop everything and remove what is left", run: down,
		flags: func(l *local, flags *flag.FlagSet) {
			flags.BoolVar(&l.force, "force", false, "stop and remove without destroying the stack first")
		}},
	{name: "serve", help: "run the laptop cloud in the foreground", run: serve},
}

// errUsage marks a call that cannot be understood.
var errUsage = errors.New("wrong usage")

// Main runs the command and returns its exit status.
func (c Command) Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c = c.filtered()
	err := c.dispatch(ctx, args)
	var exit *exitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintf(c.Stderr, "webstack: %v\nRun webstack help to see the commands.\n", err)
		return ExitUsage
	case ctx.Err() != nil:
		_, _ = fmt.Fprintf(c.Stderr, "webstack: interrupted: %v\nRun the same command again to go on.\n", err)
		return ExitFailed
	default:
		_, _ = fmt.Fprintf(c.Stderr, "webstack: %v\n", err)
		return ExitFailed
	}
}

func (c Command) dispatch(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0:
		return fmt.Errorf("%w: no command given", errUsage)
	case isHelp(args[0]), len(args) > 1 && isHelp(args[1]) && (args[0] == "local" || args[0] == "apps"):
		return c.help()
	case args[0] != "local":
		return c.operate(ctx, args)
	case len(args) == 1:
		return fmt.Errorf("%w: webstack local needs one of its commands", errUsage)
	}
	for _, found := range localActions {
		if found.name == args[1] {
			return c.local(ctx, found, args[2:])
		}
	}
	return fmt.Errorf("%w: unknown command %q", errUsage, "local "+args[1])
}

func isHelp(arg string) bool { return arg == "help" || arg == "-h" || arg == "--help" }

func (c Command) local(ctx context.Context, found action, args []string) error {
	l := &local{out: c.Stdout, progress: newProgress(ctx, c.raw.stdout)}
	flags := flag.NewFlagSet("webstack local "+found.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if found.flags != nil {
		found.flags(l, flags)
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c.help()
	} else if err != nil {
		return fmt.Errorf("%w: local %s: %w", errUsage, found.name, err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: local %s takes no argument %q", errUsage, found.name, flags.Arg(0))
	}
	dir, err := workdir.Find(c.Dir)
	if err != nil {
		return err
	}
	l.dir = dir
	return found.run(ctx, l)
}

func (c Command) help() error {
	text := "webstack runs many web apps on one small server.\n\nOn a running stack:\n\n"
	for _, known := range operatorCommands {
		text += fmt.Sprintf("  webstack %s\n        %s\n", strings.TrimSpace(known.name+" "+known.usage), known.help)
	}
	text += "\n" + operatorHelp + "\nThe laptop cloud tries it without an account:\n\n"
	for _, known := range localActions {
		text += fmt.Sprintf("  webstack local %-9s%s\n", known.name, known.help)
	}
	text += "  webstack help           show this\n\n" +
		"Exit status: 0 done, 1 failed, 2 wrong usage.\n"
	_, err := io.WriteString(c.Stdout, text)
	return err
}
