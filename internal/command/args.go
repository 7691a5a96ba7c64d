package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Args returns a check that a command gets one argument for each of the names, such as APP. A name in brackets, such as
// [RELEASE], may be left out.
func Args(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) && !strings.HasPrefix(names[len(args)], "[") {
			return fmt.Errorf("%s is missing: %s", names[len(args)], cmd.UseLine())
		}
		if len(args) <= len(names) {
			return nil
		}
		extra := args[len(names)]
		if extra == "true" || extra == "false" {
			return fmt.Errorf("unexpected argument %q; set a boolean flag with =, as in --json=%s", extra, extra)
		}
		return fmt.Errorf("unexpected argument %q: %s", extra, cmd.UseLine())
	}
}

// helpCommand replaces cobra's, which prints the help of root for a command that does not exist.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show the help of a command", DisableFlagsInUseLine: true, Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
			group, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, cmd := range group.Commands() {
				if cmd.IsAvailableCommand() && strings.HasPrefix(cmd.Name(), begin) {
					names = append(names, cmd.Name()+"\t"+cmd.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrUsage, err)
			}
			if len(rest) > 0 {
				return runGroup(cmd, rest)
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}
