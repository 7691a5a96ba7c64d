package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"webstack/internal/command"
	"webstack/internal/operate/appfile"
)

func (o *operator) appsRemoveCommand() *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use: "remove APP", SuggestFor: []string{"rm", "delete"}, Short: "Remove an app and its variables from the stack file",
		Long: "Removes an app and its variables from the stack file. Shows the change and asks before writing it.",
		Args: command.Args("APP"), ValidArgsFunction: o.firstArgument(o.completeApps),
		RunE: o.runs(func(ctx context.Context, args []string) error { return o.removeApp(ctx, args[0], yes) }),
	}
	addYes(cmd, &yes)
	return cmd
}

func (o *operator) removeApp(ctx context.Context, name string, yes bool) error {
	return o.editApps(ctx, edit{
		doing: "remove", app: name, yes: yes, then: whatStays(name),
		change: func(text []byte) ([]byte, error) { return appfile.Remove(text, name) },
	})
}

// whatStays says what happens to an app that is removed from the stack file.
func whatStays(name string) string {
	return fmt.Sprintf(`The next update removes its container, images, repository, deploy role, secrets and DNS records.
These stay: its database %[1]q in Postgres with all data, its backups until they expire, its own certificate in
Parameter Store, if any, and its GitHub repository. If you add the app again, it uses them again.
To delete the database as well, see docs/operations.md, "Remove an app".`, name)
}
