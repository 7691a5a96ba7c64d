package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
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
		In: in, Out: &printable.Writer{Out: out}, Err: &printable.Writer{Out: err}, RawOut: out, RawErr: err,
	}
}

// ErrUsage marks a call with wrong arguments. The exit status is ExitUsage.
var ErrUsage = errors.New("wrong usage")

// ExitError is the exit status of a program that has already reported its error.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// Main runs the command below root that args name, and returns its exit status. SIGINT and SIGTERM cancel the context
// of the command.
func Main(streams Streams, root *cobra.Command, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	understood := prepare(streams, root, args)
	err := root.ExecuteContext(ctx)
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
		_, _ = fmt.Fprintf(streams.Err, "%s: %v\nRun %s help for the list of commands.\n", root.Name(), err, root.Name())
		return ExitUsage
	case ctx.Err() != nil:
		_, _ = fmt.Fprintf(streams.Err, "%s: interrupted: %v\nRun the same command again to continue.\n", root.Name(), err)
		return ExitFailed
	default:
		_, _ = fmt.Fprintf(streams.Err, "%s: %v\n", root.Name(), err)
		return ExitFailed
	}
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
	root.PersistentPreRun = func(*cobra.Command, []string) { *understood = true }
	return understood
}
