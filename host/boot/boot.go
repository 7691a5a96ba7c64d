// Package boot installs the unit that has the host program do something whenever the host comes up or goes down: bound the
// connections to the web ports, and stop the containers in their own time. Docker itself leaves them running when it ends
// (live-restore), so without the unit systemd would wait 90 seconds for one that ignores SIGTERM.
package boot

import (
	"context"
	"fmt"
	"io"
	"os"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/systemd"
)

// Unit is the unit's name.
const Unit = "webstack-host.service"

// unitText has the two commands. The unit is ordered behind Docker, so it is stopped before Docker is.
const unitText = `# Written by webstackctl; changes are lost.
[Unit]
Description=Start and end of a host of Webstack
After=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=%s
ExecStop=%s
TimeoutStopSec=%d

[Install]
WantedBy=multi-user.target
`

// stopSeconds is how long the containers may take to end: the longest grace period that an app can have, and Postgres'.
const stopSeconds = 480

// Options say how Ensure works.
type Options struct {
	// StackDir is the stack directory, which has the host program.
	StackDir string
	// Run runs the system's programs.
	Run command.Runner
	// Root is where the file system begins; "" = "/".
	Root string
	// Out gets a line when the unit is installed.
	Out io.Writer
}

// UpCommand is the command at the end of a boot, DownCommand the one at the beginning of a shutdown.
func UpCommand(stackDir string) string { return line("up", stackDir) }

// DownCommand is the command at the beginning of a shutdown.
func DownCommand(stackDir string) string { return line("down", stackDir) }

func line(command, stackDir string) string {
	return fmt.Sprintf("%s %s --stack-dir %s", contract.Paths{StackDir: stackDir}.HostProgram(), command, stackDir)
}

// Ensure installs the unit and starts it. One that is active is never restarted, as that would stop all containers.
func Ensure(ctx context.Context, o Options) error {
	if o.Root == "" {
		o.Root = "/"
	}
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return fmt.Errorf("install %s: %w", Unit, err)
	}
	defer func() { _ = root.Close() }()
	unit := systemd.Unit{
		Name: Unit, Run: o.Run,
		Text: fmt.Sprintf(unitText, UpCommand(o.StackDir), DownCommand(o.StackDir), stopSeconds),
	}
	same, err := unit.Installed(root)
	if err != nil {
		return fmt.Errorf("install %s: %w", Unit, err)
	}
	if same && unit.Active(ctx) {
		return nil
	}
	if err := unit.Install(ctx, root, "start"); err != nil {
		return fmt.Errorf("install %s: %w", Unit, err)
	}
	_, _ = fmt.Fprintf(o.Out, "installed %s: when the host goes down, each container gets its grace period\n", Unit)
	return nil
}
