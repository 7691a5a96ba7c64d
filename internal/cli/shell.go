package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"webstack/internal/command"
	"webstack/internal/operate"
	"webstack/internal/operate/session"
)

func (o *operator) shellCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "shell [-- COMMAND [ARGUMENT]...]", Short: "Open a shell on the host, or run a command there",
		Long: `Opens a shell on the host with Session Manager, or runs a command there and exits with its status.

A single argument is a command line for sh; several are a program and its arguments. Without a terminal, a command gets
no input.`,
		Example: `  webstack shell
  webstack shell -- df -h
  webstack shell -- 'docker ps | wc -l'`,
		Args: afterDash,
		RunE: o.runs(o.runShell),
	}
	cmd.Flags().SetInterspersed(false) // the flags after a command are the command's
	return cmd
}

// afterDash refuses arguments before "--".
func afterDash(cmd *cobra.Command, args []string) error {
	if dash := cmd.ArgsLenAtDash(); len(args) > 0 && dash != 0 {
		return fmt.Errorf("put the command after two dashes: %s -- COMMAND", cmd.CommandPath())
	}
	return nil
}

func (o *operator) runShell(ctx context.Context, args []string) error {
	stack, host, err := o.reach(ctx)
	if err != nil {
		return err
	}
	return o.runSession(ctx, stack, host, shellLine(args), o.window(), "webstack shell")
}

// window returns the user's terminal, nil without one.
func (o *operator) window() session.Window {
	in, inFile := o.In.(*os.File)
	out, outFile := o.RawOut.(*os.File)
	if inFile && outFile && session.IsTerminal(in, out) {
		return &session.Terminal{In: in, Out: out}
	}
	return nil
}

// runSession runs a line for sh on the host, "" for a shell, and returns an error with its exit code.
func (o *operator) runSession(
	ctx context.Context, stack *operate.Stack, host operate.Host, line string, window session.Window, reason string,
) error {
	options := session.Options{
		// The output is not filtered: a shell controls its terminal, and a command may write the bytes of a file.
		Command: line, Stdin: o.In, Stdout: o.RawOut, Stderr: o.RawErr, Window: window, Reason: reason,
	}
	code, err := session.Open(ctx, stack.AWS, host.InstanceID, options)
	switch {
	case err != nil:
		return operate.Explain("open a session on the host "+host.InstanceID, err)
	case code != 0:
		return &command.ExitError{Code: code}
	}
	return nil
}

// shellLine returns what sh runs: a single argument unchanged, or several quoted as words.
func shellLine(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}
