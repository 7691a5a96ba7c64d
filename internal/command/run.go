package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"webstack/internal/printable"
)

// Exit statuses.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Streams are the input and the outputs of a command.
type Streams struct {
	In io.Reader
	// Out and Err escape control characters: text written by hosts, apps and visitors must not control the operator's
	// terminal.
	Out, Err io.Writer
	// RawOut and RawErr pass everything through.
	RawOut, RawErr io.Writer
}

// NewStreams returns the streams of a command that reads from in and writes to out and err.
func NewStreams(in io.Reader, out, err io.Writer) Streams {
	return Streams{
		In: in, Out: &output{to: &printable.Writer{Out: out}}, Err: &printable.Writer{Out: err}, RawOut: out, RawErr: err,
	}
}

// output remembers that something could not be written: cobra does not look at errors when it prints help.
type output struct {
	to  io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// failure is the first error of the standard output.
func (s Streams) failure() error {
	if out, ok := s.Out.(*output); ok && out.err != nil {
		return fmt.Errorf("write to the standard output: %w", out.err)
	}
	return nil
}

// ErrUsage marks a call with wrong arguments. The exit status is ExitUsage.
var ErrUsage = errors.New("wrong usage")

// ExitError is the exit status of a program that has already reported its error.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// AfterInterrupt is the annotation of a root command with what to print after an interrupted command: a line, or "".
const AfterInterrupt = "after-interrupt"

// Main runs the command below root that args name, and returns its exit status. SIGINT and SIGTERM cancel the context
// of the command.
func Main(streams Streams, root *cobra.Command, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process, whatever it waits for
	understood := prepare(streams, root, args)
	called, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = streams.failure()
	}
	var exit *ExitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &exit):
		return exit.Code
	case !*understood || errors.Is(err, ErrUsage):
		if !errors.Is(err, ErrUsage) {
			err = fmt.Errorf("%w: %w", ErrUsage, err)
		}
		_, _ = fmt.Fprintf(streams.Err, "%s: %v\n%s\n", root.Name(), err, seeHelp(called))
		return ExitUsage
	case ctx.Err() != nil:
		_, _ = fmt.Fprintf(streams.Err, "%s: interrupted: %v\n%s", root.Name(), err, root.Annotations[AfterInterrupt])
		return ExitFailed
	default:
		_, _ = fmt.Fprintf(streams.Err, "%s: %v\n", root.Name(), err)
		return ExitFailed
	}
}

// seeHelp says how to get help for the command that was called.
func seeHelp(called *cobra.Command) string {
	root := called.Root().Name()
	if path := strings.TrimPrefix(called.CommandPath(), root+" "); !called.HasSubCommands() && path != root {
		return fmt.Sprintf("Run %s help %s for its usage.", root, path)
	}
	return fmt.Sprintf("Run %s help for the list of commands.", root)
}

// prepare silences root's own error output, because Main prints errors. The returned value becomes true when cobra has
// parsed the arguments and calls the command.
func prepare(streams Streams, root *cobra.Command, args []string) *bool {
	understood := new(bool)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand(root))
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.InitDefaultCompletionCmd(args...)
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			group(cmd)
		}
	}
	root.PersistentPreRun = func(*cobra.Command, []string) { *understood = true }
	return understood
}
