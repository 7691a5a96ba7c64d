// Package boot installs the unit that runs the host program when the host boots, to limit the connections to the web
// ports, and when it shuts down, to stop the containers within their grace periods. Docker itself leaves them running
// when it stops (live-restore), so without the unit systemd would wait 90 seconds for one that ignores SIGTERM.
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

// unitText has the two commands. The unit is ordered after Docker, so it stops before Docker.
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

// stopSeconds is how long the containers may take to exit: the longest grace period that an app can have, and
// Postgres'.
const stopSeconds = 480

// Options configure Ensure.
type Options struct {
	// StackDir is the stack directory, where the host program is.
	StackDir string
	// Run runs the system's programs.
	Run command.Runner
	// Root is where the file system begins; "" = "/".
	Root string
	// Out gets a line when the unit is installed.
	Out io.Writer
}

// UpCommand returns the command to run at the end of a boot.
func UpCommand(stackDir string) string { return line("up", stackDir) }

// DownCommand returns the command to run at the beginning of a shutdown.
func DownCommand(stackDir string) string { return line("down", stackDir) }

func line(command, stackDir string) string {
	return fmt.Sprintf("%s %s --stack-dir %s", contract.Paths{StackDir: stackDir}.HostProgram(), command, stackDir)
}

// Ensure installs the unit and starts it. It never restarts an active unit, because that would stop all containers.
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
	_, _ = fmt.Fprintf(o.Out, "installed %s: at shutdown, each container gets its grace period\n", Unit)
	return nil
}
