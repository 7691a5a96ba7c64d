package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"webstack/internal/command"
	"webstack/local/workdir"
)

// Command is one call of webstack-local.
type Command struct {
	Stdout, Stderr io.Writer
	// Dir is the folder the command was called in. The clone is searched for from there upwards.
	Dir string
}

// Main runs the command and returns its exit status.
func (c Command) Main(args []string) int {
	streams := command.NewStreams(nil, c.Stdout, c.Stderr)
	return command.Main(streams, Root(streams, c.Dir), args)
}

const longHelp = `webstack-local runs a stack on this computer: AWS, Cloudflare and DNS are emulated, and hosts are containers.

make up, make preview and make down call it. docs/laptop-cloud.md says what is emulated and how.

Exit status: 0 done, 1 failed, 2 wrong usage.`

// Root returns the command with all its subcommands.
func Root(streams command.Streams, dir string) *cobra.Command {
	l := &local{out: streams.Out, raw: streams.RawOut, callDir: dir}
	root := command.Group("webstack-local", "Run the stack local on this computer",
		l.command("up", "Start the laptop cloud and bring up the stack; if it is up, apply what changed", l.up),
		l.previewCommand(),
		l.command("build", "Build and install what up needs, and start nothing", l.build),
		l.command("refresh", "Update Pulumi's state to match what exists in the laptop cloud", l.refresh),
		l.command("status", "Show whether the laptop cloud is running, and what is on it", l.status),
		l.command("destroy", "Destroy the stack; the laptop cloud keeps running", l.destroyStack),
		l.command("stop", "Stop the laptop cloud; what is on it is lost until the next up creates it again", l.stop),
		l.downCommand(),
		l.command("serve", "Run the laptop cloud in the foreground", l.serve),
	)
	root.Annotations = map[string]string{command.AfterInterrupt: "Run the same command again to continue.\n"}
	root.Long = longHelp
	return root
}

// command makes a command without arguments.
func (l *local) command(name, short string, run func(context.Context) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: command.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l.progress = command.NewProgress(cmd.Context(), l.raw)
			var err error
			if l.dir, err = workdir.Find(l.callDir); err != nil {
				return err
			}
			return run(cmd.Context())
		},
	}
}

func (l *local) previewCommand() *cobra.Command {
	cmd := l.command("preview", "Show what up would change", l.preview)
	cmd.Flags().BoolVar(&l.full, "full", false, "show every property, as Pulumi does")
	return cmd
}

func (l *local) downCommand() *cobra.Command {
	cmd := l.command("down", "Destroy the stack, stop the laptop cloud and remove what is left", l.down)
	cmd.Flags().BoolVar(&l.force, "force", false, "stop and remove without destroying the stack first")
	return cmd
}
