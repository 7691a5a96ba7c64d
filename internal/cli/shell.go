package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"webstack/operate"
	"webstack/operate/session"
)

var shellCommand = operatorCommand{
	name: "shell", usage: "[-- COMMAND...]", tail: true, run: runShell,
	help: "open a shell on the host by Session Manager, or run a command there and exit with its status. One argument is\n" +
		"        read by sh, several are a program and its arguments. Without a terminal, a command gets no input",
}

// exitError is the exit status of a command that ran elsewhere, which has told by itself what was wrong.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func runShell(ctx context.Context, o *operator) error {
	stack, host, err := o.reach(ctx)
	if err != nil {
		return err
	}
	options := session.Options{
		// A shell needs its terminal, and what a command writes may be a file's bytes: both pass as they are.
		Command: shellLine(o.tail), Stdin: o.Stdin, Stdout: o.raw.stdout, Stderr: o.raw.stderr, Reason: "webstack shell",
	}
	in, inFile := o.Stdin.(*os.File)
	out, outFile := o.raw.stdout.(*os.File)
	if inFile && outFile && session.IsTerminal(in, out) {
		options.Window = &session.Terminal{In: in, Out: out}
	}
	code, err := session.Open(ctx, stack.AWS, host.InstanceID, options)
	switch {
	case err != nil:
		return operate.Explain("open a session on the host "+host.InstanceID, err)
	case code != 0:
		return &exitError{code}
	}
	return nil
}

// shellLine is what sh is to run: a line as it is, or a program and its arguments as words.
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
