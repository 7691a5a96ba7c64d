package cli

import (
	"context"
	"flag"
	"fmt"

	"webstack/operate/appfile"
)

var appsRemoveCommand = operatorCommand{
	name: "apps remove", usage: "NAME [--yes]",
	help: "remove an app and its variables from the stack file: shows what is removed, asks, and writes",
	args: 1,
	flags: func(o *operator, flags *flag.FlagSet) {
		yes := new(bool)
		o.options = yes
		flags.BoolVar(yes, "yes", false, "")
	},
	run: runAppsRemove,
}

func runAppsRemove(_ context.Context, o *operator) error {
	name := o.args[0]
	return o.editApps(edit{
		doing: "remove", app: name, yes: *o.options.(*bool), then: whatStays(name),
		change: func(text []byte) ([]byte, error) { return appfile.Remove(text, name) },
	})
}

// whatStays says what becomes of an app that leaves the stack file.
func whatStays(name string) string {
	return fmt.Sprintf(`The next update removes its container, images, repository, deploy role, secrets and DNS records.
What stays: its database %[1]q in Postgres with all data, its backups until they expire, its certificate in
Parameter Store if it has one of its own, and its GitHub repository. Add the app again and it finds them.
To delete the database, too: docs/operations.md, "Remove an app".`, name)
}
