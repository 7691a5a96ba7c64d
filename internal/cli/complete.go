package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webstack/contract"
	"webstack/internal/operate"
	"webstack/internal/operate/appfile"
	"webstack/internal/project"
)

// completer returns the values that shell completion offers.
type completer func() []string

// complete sets the values that shell completion offers for a flag.
func (o *operator) complete(cmd *cobra.Command, flag string, values completer) {
	offer := func(_ *cobra.Command, _ []string, begin string) ([]string, cobra.ShellCompDirective) {
		return beginning(values(), begin), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, offer); err != nil {
		panic(err) // the flag was not declared
	}
}

// firstArgument offers values for the first argument and nothing for the others.
func (o *operator) firstArgument(values completer) cobra.CompletionFunc { return o.arguments(values) }

// arguments offers values for each argument, and nothing for those that follow.
func (o *operator) arguments(values ...completer) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= len(values) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return beginning(values[len(args)](), begin), cobra.ShellCompDirectiveNoFileComp
	}
}

func beginning(values []string, begin string) []string {
	var out []string
	for _, value := range values {
		if strings.HasPrefix(value, begin) {
			out = append(out, value)
		}
	}
	return out
}

// completeStacks offers the stacks that have a file. On an error it offers nothing: the command itself reports the
// error.
func (o *operator) completeStacks() []string {
	dir, err := project.FindDir(o.callDir)
	if err != nil {
		return nil
	}
	stacks, _ := project.Stacks(dir)
	return slices.DeleteFunc(stacks, func(name string) bool {
		_, err := project.StackName(name)
		return err != nil
	})
}

// completeApps offers the apps of the stack.
func (o *operator) completeApps() []string {
	if err := o.locate(context.Background()); err != nil {
		return nil
	}
	text, err := operate.ReadStackFile(o.dir, o.stack)
	if err != nil {
		return nil
	}
	names, _ := appfile.Names(text)
	// A shell may run what it finds in a word: nothing is offered that is not the name of an app.
	return slices.DeleteFunc(names, func(name string) bool { return contract.CheckAppName(name) != nil })
}

// completeLogs offers the apps of the stack and the other services that have a log.
func (o *operator) completeLogs() []string { return append(o.completeApps(), services...) }
