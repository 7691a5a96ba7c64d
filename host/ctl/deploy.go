package ctl

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/config"

	"webstack/contract"
	"webstack/host/apps"
	"webstack/host/backup"
	"webstack/host/caddy"
	"webstack/host/command"
	"webstack/host/deploy"
	"webstack/host/disk"
	"webstack/host/docker"
	"webstack/host/imagepin"
	"webstack/host/parameters"
)

var commandIDRE = regexp.MustCompile(contract.CommandIDPattern)

// checkCommandID checks the flag --command of what watches a command.
func checkCommandID(id string) error {
	if commandIDRE.FindString(id) != id || id == "" {
		return fmt.Errorf("--command %q is not the ID of a command: %w", id, errUsage)
	}
	return nil
}

// appArgument splits the name of an app off the arguments.
func appArgument(name string, args []string) (app string, rest []string, err error) {
	if len(args) > 0 {
		app, rest = args[0], args[1:]
	}
	if contract.CheckAppName(app) != nil {
		return "", nil, fmt.Errorf("%s %q: use the name of an app: %w", name, app, errUsage)
	}
	return app, rest, nil
}

func (c Command) deploy(ctx context.Context, args []string) error {
	app, args, err := appArgument("deploy", args)
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("deploy", flag.ContinueOnError)
	action := flags.String("action", "deploy", "")
	release := flags.String("release", "", "")
	by, commit, run := flags.String("by", "", ""), flags.String("commit", "", ""), flags.String("run", "", "")
	script, id := flags.String("script", "", ""), flags.String("command", "", "")
	from := flags.Int64("from", 0, "")
	dir := stackDir(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	if err := checkStackDir(*dir); err != nil {
		return err
	}
	_, wrong := contract.ParseRelease(*release)
	switch *action {
	case "watch":
		if err := checkCommandID(*id); err != nil {
			return err
		}
		return deploy.Watch(*dir, app, *id, *from, c.Stdout)
	case "rollback":
		if *release == "" {
			wrong = nil
		}
	case "deploy":
	default:
		return fmt.Errorf("--action %q is not deploy, rollback or watch: %w", *action, errUsage)
	}
	if wrong != nil {
		return fmt.Errorf("--release: %w: %w", wrong, errUsage)
	}
	return deploy.Run(ctx, deploy.Options{
		StackDir: *dir, App: app, Release: *release, Rollback: *action == "rollback", ID: commandIDRE.FindString(*script),
		By: *by, Commit: *commit, Run: *run, Out: c.Stdout,
		Parameters: func(ctx context.Context, region string) (deploy.Parameters, error) {
			return parameters.Open(ctx, region)
		},
		Apps: func(ctx context.Context, root *os.Root, m contract.Manifest, out io.Writer) (deploy.Apps, error) {
			return c.withRegistry(ctx, *dir, root, m, out)
		},
		Protect: protectImages, Failed: c.tellDeploy(*action, app),
		HealRestore: func(ctx context.Context, root *os.Root, m contract.Manifest, out io.Writer) error {
			return c.healBeforeOthers(ctx, *dir, root, m, out)
		},
	})
}

// protectImages keeps the images of an app's live and previous release from expiring in ECR.
func protectImages(ctx context.Context, app contract.ManifestApp, live, previous string) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithEC2IMDSRegion())
	if err != nil {
		return fmt.Errorf("load AWS settings: %w", err)
	}
	return imagepin.Protect(ctx, cfg, app.Repository, live, previous)
}

// withRegistry returns what runs the apps of a manifest, and pulls images from ECR.
func (c Command) withRegistry(ctx context.Context, dir string, root *os.Root, m contract.Manifest, out io.Writer) (*apps.Host, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(m.Region), config.WithEC2IMDSRegion())
	if err != nil {
		return nil, fmt.Errorf("load AWS settings: %w", err)
	}
	return c.apps(root, m, c.engine(dir, docker.ECR(cfg)), out), nil
}

// apps returns what runs a manifest's apps.
func (c Command) apps(root *os.Root, m contract.Manifest, engine *docker.Engine, out io.Writer) *apps.Host {
	return &apps.Host{
		Docker: engine, Caddy: caddy.Admin{Socket: contract.CaddyAdminSocket}, Manifest: m, Root: root, Data: c.root(),
		Out: out, Timing: apps.DefaultTiming,
	}
}

// onApp calls do with an app of the applied manifest.
func (c Command) onApp(dir, name string, do func(h *apps.Host, app contract.ManifestApp) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open stack directory: %w; the host has not been set up yet: run pulumi up", err)
	}
	defer func() { _ = root.Close() }()
	m, app, err := deploy.FindApp(root, name)
	if err != nil {
		return err
	}
	return do(c.apps(root, m, c.engine(dir, nil), c.Stdout), app)
}

func (c Command) exec(ctx context.Context, args []string) error {
	app, args, err := appArgument("exec", args)
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("exec", flag.ContinueOnError)
	fresh, terminal := flags.Bool("new", false, ""), flags.Bool("terminal", false, "")
	dir := stackDir(flags)
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if err := checkStackDir(*dir); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return fmt.Errorf("exec %s: no command given: %w", app, errUsage)
	}
	// A session that ends takes the command along.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGTERM)
	defer stop()
	err = c.onApp(*dir, app, func(h *apps.Host, app contract.ManifestApp) error {
		return h.Exec(ctx, app, flags.Args(), apps.ExecOptions{
			New: *fresh, Terminal: *terminal, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		})
	})
	var exit *command.ExitError
	if errors.As(err, &exit) && exit.Code >= 0 {
		return exitCode(exit.Code) // the command has said why
	}
	return err
}

// exitCode is an error that only has an exit code.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func (c Command) maintenance(ctx context.Context, args []string) error {
	app, args, err := appArgument("maintenance", args)
	if err != nil {
		return err
	}
	state := ""
	if len(args) > 0 {
		state, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("maintenance", flag.ContinueOnError)
	encoded := flags.String("message-base64", "", "")
	dir := stackDir(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	message, err := base64.StdEncoding.DecodeString(*encoded)
	switch {
	case state != "on" && state != "off":
		return fmt.Errorf("maintenance %s %q: use on or off: %w", app, state, errUsage)
	case err != nil || !utf8.Valid(message) || len(message) > contract.MaxMaintenanceMessage:
		return fmt.Errorf("--message-base64: it is not at most %d bytes of UTF-8 text in base64: %w", contract.MaxMaintenanceMessage,
			errUsage)
	case len(message) == 0:
		message = []byte(defaultMessage)
	}
	if err := checkStackDir(*dir); err != nil {
		return err
	}
	return c.onApp(*dir, app, func(h *apps.Host, app contract.ManifestApp) error {
		// It does not wait for a deploy: a long migration is when visitors should get the page.
		return backup.Maintain(ctx, backup.MaintainOptions{
			Record: c.restoreRecord(), App: app.Name, On: state == "on", Message: string(message),
			Maintain: h.Maintain, Out: c.Stdout,
		})
	})
}

const defaultMessage = "This site is down for maintenance. Please come back soon."

// reserve is the reserved space on the disk of a stack directory.
func (c Command) reserve(root *os.Root) disk.Reserve {
	return disk.Reserve{Root: root, Name: contract.ReservePath, Out: c.Stdout}
}
