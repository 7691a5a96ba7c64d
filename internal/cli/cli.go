package cli

import (
	"io"

	"github.com/spf13/cobra"

	"webstack/internal/command"
)

// Command is one call of webstack.
type Command struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Dir is the folder the command was called in. The search for the clone starts there and goes upwards.
	Dir string
}

// Main runs the command and returns its exit status.
func (c Command) Main(args []string) int {
	streams := command.NewStreams(c.Stdin, c.Stdout, c.Stderr)
	return command.Main(streams, Root(streams, c.Dir), args)
}

const longHelp = `webstack operates a stack that pulumi up has built, and edits its config.

It calls AWS with your credentials and runs commands on the host through Systems Manager.

Exit status: 0 success, 1 failure, 2 wrong usage. webstack shell and webstack exec exit with the status of their command.`

// Root returns the command with all its subcommands.
func Root(streams command.Streams, dir string) *cobra.Command {
	o := &operator{Streams: streams, callDir: dir}
	root := command.Group("webstack", "Run many web apps on one small server")
	root.Long = longHelp
	flags := root.PersistentFlags()
	flags.StringVarP(&o.stack, "stack", "s", "",
		"stack to use (default: $PULUMI_STACK, then local if the laptop cloud is running, then the only stack)")
	flags.BoolVar(&o.json, "json", false, "print JSON; docs/operations.md describes the format")
	o.complete(root, "stack", o.completeStacks)
	root.AddCommand(
		o.verifyCommand(), o.statusCommand(), o.deployCommand(), o.rollbackCommand(), o.releasesCommand(),
		o.backupCommand(), o.backupsCommand(), o.restoreCommand(), o.logsCommand(), o.execCommand(), o.shellCommand(),
		o.maintenanceCommand(),
		command.Group("apps", "List and edit the apps in the stack file",
			o.appsListCommand(), o.appsAddCommand(), o.appsRemoveCommand(), o.appsWorkflowCommand()),
	)
	return root
}
