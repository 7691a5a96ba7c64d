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
	group := &cobra.Command{
		Use: name + " COMMAND", DisableFlagsInUseLine: true, Short: short, Args: cobra.ArbitraryArgs, RunE: runGroup,
		SuggestionsMinimumDistance: 2,
	}
	group.AddCommand(commands...)
	usage := group.UsageFunc()
	group.SetUsageFunc(func(cmd *cobra.Command) error {
		if cmd == group { // only its commands do something
			group.RunE = nil
			defer func() { group.RunE = runGroup }()
		}
		return usage(cmd)
	})
	return group
}

func runGroup(group *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: %s needs a command", ErrUsage, group.CommandPath())
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], group.CommandPath())
	if similar := group.SuggestionsFor(args[0]); len(similar) > 0 {
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
