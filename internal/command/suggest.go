package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"webstack/internal/nearest"
)

// Group returns a command that only holds other commands. Called alone it fails; a typo gets a suggestion.
func Group(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: name + " COMMAND", DisableFlagsInUseLine: true, Short: short}
	cmd.AddCommand(commands...)
	group(cmd)
	return cmd
}

// group makes cmd a command that only holds other commands.
func group(cmd *cobra.Command) {
	cmd.Args, cmd.RunE, cmd.SuggestionsMinimumDistance = cobra.ArbitraryArgs, runGroup, 2
	usage := cmd.UsageFunc()
	cmd.SetUsageFunc(func(called *cobra.Command) error {
		if called == cmd { // only its commands do something
			cmd.RunE = nil
			defer func() { cmd.RunE = runGroup }()
		}
		return usage(called)
	})
}

func runGroup(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: %s needs a command", ErrUsage, cmd.CommandPath())
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		text += "\n\nDid you mean this?\n\t" + strings.Join(similar, "\n\t") + "\n"
	}
	return fmt.Errorf("%w: %s", ErrUsage, text)
}

// flagError adds the most similar known flag to the error about an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	unknown := (*pflag.NotExistError)(nil)
	if errors.As(err, &unknown) && len(unknown.GetSpecifiedName()) > 1 {
		if name := nearestFlag(cmd, unknown.GetSpecifiedName()); name != "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, name)
		}
	}
	return fmt.Errorf("%w: %s: %w", ErrUsage, cmd.Name(), err)
}

// nearestFlag returns the flag of cmd that is most similar to name, "" if none is similar.
func nearestFlag(cmd *cobra.Command, name string) string {
	var known []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			known = append(known, flag.Name)
		}
	})
	return nearest.To(name, known)
}
