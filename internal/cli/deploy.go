package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate"
)

type deployOptions struct{ commit, run string }

func (o *operator) deployCommand() *cobra.Command {
	options := &deployOptions{}
	cmd := &cobra.Command{
		Use: "deploy APP RELEASE", Short: "Deploy a release of an app",
		Long: `Deploys an image from the app's repository without an interruption: the new container starts next to the old one and
gets the requests once it is healthy. If anything fails, the old release stays live.

RELEASE is TAG, TAG@sha256:DIGEST or sha256:DIGEST.`,
		Example: `  webstack deploy shop v42
  webstack deploy shop sha256:4f1c0f...`,
		Args: command.Args("APP", "RELEASE"), ValidArgsFunction: o.firstArgument(o.completeApps),
		RunE: o.runs(func(ctx context.Context, args []string) error {
			return o.runDeploy(ctx, operate.DeployOptions{App: args[0], Release: args[1]}, options)
		}),
	}
	options.flags(cmd)
	return cmd
}

func (o *operator) rollbackCommand() *cobra.Command {
	options := &deployOptions{}
	cmd := &cobra.Command{
		Use: "rollback APP [RELEASE]", Short: "Go back to the previous release of an app, or to an earlier one",
		Long: `Goes back to the previous release of an app, whose image is still on the host, or to another one that was deployed
before. It does not run the app's release command.`,
		Example: `  webstack rollback shop
  webstack rollback shop v41`,
		Args: command.Args("APP", "[RELEASE]"), ValidArgsFunction: o.firstArgument(o.completeApps),
		RunE: o.runs(func(ctx context.Context, args []string) error {
			release := ""
			if len(args) > 1 {
				release = args[1]
				if release == "" {
					return fmt.Errorf("%w: the release is empty; leave it out for the previous one", command.ErrUsage)
				}
			}
			return o.runDeploy(ctx, operate.DeployOptions{App: args[0], Release: release, Rollback: true}, options)
		}),
	}
	options.flags(cmd)
	return cmd
}

func (d *deployOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.commit, "commit", "", "commit of the app to record, 7 to 64 hexadecimal digits")
	cmd.Flags().StringVar(&d.run, "run", "", "URL of the workflow run to record")
}

var (
	commitRE = regexp.MustCompile("^" + contract.CommitPattern + "$")
	runRE    = regexp.MustCompile("^" + contract.RunPattern + "$")
)

func (o *operator) runDeploy(ctx context.Context, d operate.DeployOptions, options *deployOptions) error {
	d.Commit, d.Run = options.commit, options.run
	switch _, err := contract.ParseRelease(d.Release); {
	case err != nil && (d.Release != "" || !d.Rollback):
		return fmt.Errorf("%w: %w", command.ErrUsage, err)
	case d.Commit != "" && !commitRE.MatchString(d.Commit):
		return fmt.Errorf("%w: --commit %q is not 7 to 64 hexadecimal digits", command.ErrUsage, d.Commit)
	case d.Run != "" && !runRE.MatchString(d.Run):
		return fmt.Errorf("%w: --run %q is not an https URL of letters, digits and ._:/-", command.ErrUsage, d.Run)
	}
	stack, host, err := o.reachApp(ctx, d.App)
	if err != nil {
		return err
	}
	id, err := stack.Deploy(ctx, host, d, o.hostOutput())
	return o.followed(err, operate.ErrDeployFailed, func() error { return o.printDeploy(ctx, stack, d.App, id) })
}

// hostOutput is where the output of a command on the host goes: with --json, only the result is on the standard output.
func (o *operator) hostOutput() io.Writer {
	if o.json {
		return o.Err
	}
	return o.Out
}

// followed ends a command whose output from the host has been printed. err is failed if the host has said why. With
// --json, printResult prints the result, whether it succeeded or failed.
func (o *operator) followed(err, failed error, printResult func() error) error {
	hostFailed := errors.Is(err, failed)
	if err != nil && !hostFailed {
		return err
	}
	if o.json {
		if err := printResult(); err != nil {
			return err
		}
	}
	if hostFailed {
		return &command.ExitError{Code: 1}
	}
	return nil
}

// printDeploy prints the record of a deploy for scripts.
func (o *operator) printDeploy(ctx context.Context, stack *operate.Stack, app, id string) error {
	all, _, err := stack.Releases(ctx, app)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.ID == id {
			return o.printJSON(r)
		}
	}
	return fmt.Errorf("print the deploy %s of %s: it is not recorded", id, app)
}

// reachApp opens the stack, checks that it has the app, and finds the host.
func (o *operator) reachApp(ctx context.Context, app string) (*operate.Stack, operate.Host, error) {
	stack, err := o.open(ctx)
	if err != nil {
		return nil, operate.Host{}, err
	}
	if _, err := stack.App(app); err != nil {
		return nil, operate.Host{}, err
	}
	host, err := stack.Reachable(ctx)
	return stack, host, err
}

func (o *operator) execCommand() *cobra.Command {
	fresh := false
	cmd := &cobra.Command{
		Use: "exec APP [--new] -- COMMAND [ARGUMENT]...", Short: "Run a command in the container of an app",
		Long: `Runs a command in the live container of an app with Session Manager, and exits with its status. With --new, the
command gets a container of its own from the live image, with the app's environment, networks and limits, which is
removed when the command ends; its image's ENTRYPOINT gets the command, while the live container runs it as it is.

A command in the live container that is interrupted may go on there. In a terminal, the command gets a terminal. Otherwise it gets no input.`,
		Example: `  webstack exec shop -- env
  webstack exec shop --new -- bin/console
  webstack exec shop -- sh -c 'du -sh /tmp | cut -f1'`,
		Args: appAndCommand, ValidArgsFunction: o.firstArgument(o.completeApps),
		RunE: o.runs(func(ctx context.Context, args []string) error { return o.runExec(ctx, args[0], args[1:], fresh) }),
	}
	cmd.Flags().BoolVar(&fresh, "new", false, "run the command in a container of its own")
	return cmd
}

// appAndCommand wants an app before "--" and a command after it.
func appAndCommand(cmd *cobra.Command, args []string) error {
	if dash := cmd.ArgsLenAtDash(); len(args) < 2 || dash != 1 {
		return fmt.Errorf("name the app, and put the command after two dashes: %s APP -- COMMAND", cmd.CommandPath())
	}
	return nil
}

func (o *operator) runExec(ctx context.Context, app string, args []string, fresh bool) error {
	stack, host, err := o.reachApp(ctx, app)
	if err != nil {
		return err
	}
	window := o.window()
	words := []string{contract.Paths{StackDir: stack.Config.StackDir}.HostProgram(), "exec", app, "--stack-dir", stack.Config.StackDir}
	if fresh {
		words = append(words, "--new")
	}
	if window != nil {
		words = append(words, "--terminal")
	}
	// Sessions do not run as root, unless the account's settings say so.
	line := `sudo=sudo; [ "$(id -u)" != 0 ] || sudo=; exec $sudo ` + shellLine(append(append(words, "--"), args...))
	return o.runSession(ctx, stack, host, line, window, "webstack exec "+app)
}

func (o *operator) maintenanceCommand() *cobra.Command {
	message := ""
	cmd := &cobra.Command{
		Use: "maintenance APP on|off", Short: "Answer the visitors of an app with a maintenance page, or no longer",
		Long: `Answers every request to an app with status 503, Retry-After and a page that has the message. The app keeps running.
It lasts until it is turned off, whatever is deployed and however often the host boots.`,
		Example: `  webstack maintenance shop on --message "We are moving. Back at 14:00 UTC."
  webstack maintenance shop off`,
		Args: command.Args("APP", "on|off"), ValidArgsFunction: o.arguments(o.completeApps, func() []string { return []string{"on", "off"} }),
		RunE: o.runs(func(ctx context.Context, args []string) error {
			return o.runMaintenance(ctx, args[0], args[1], message)
		}),
	}
	cmd.Flags().StringVar(&message, "message", "", "what visitors read, up to 1000 bytes")
	return cmd
}

func (o *operator) runMaintenance(ctx context.Context, app, state, message string) error {
	switch {
	case state != "on" && state != "off":
		return fmt.Errorf("%w: %q is not on or off", command.ErrUsage, state)
	case len(message) > contract.MaxMaintenanceMessage:
		return fmt.Errorf("%w: --message has %d bytes; allowed are %d", command.ErrUsage, len(message),
			contract.MaxMaintenanceMessage)
	case message != "" && state == "off":
		return fmt.Errorf("%w: --message has no use with off", command.ErrUsage)
	}
	stack, host, err := o.reachApp(ctx, app)
	if err != nil {
		return err
	}
	done := o.progress.Step("Asking " + host.InstanceID)
	said, err := stack.Maintain(ctx, host, app, state == "on", message)
	done()
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(map[string]any{"app": app, "maintenance": state == "on"})
	}
	_, err = fmt.Fprintln(o.Out, strings.TrimSpace(said))
	return err
}
