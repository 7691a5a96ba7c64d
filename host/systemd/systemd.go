// Package systemd installs units that stay across boots.
package systemd

import (
	"context"
	"fmt"
	"os"

	"webstack/host/command"
	"webstack/host/files"
)

// Unit is a unit that is wanted by multi-user.target.
type Unit struct {
	// Name ends in .service; Text is the content of the unit's file.
	Name, Text string
	// Run runs systemctl.
	Run command.Runner
}

// Path returns the path of the unit's file below the root of the file system.
func (u Unit) Path() string { return "etc/systemd/system/" + u.Name }

// Installed reports whether the unit's file below root is up to date. It fails if something else is in its place.
func (u Unit) Installed(root *os.Root) (bool, error) {
	return files.Is(root, u.Path(), []byte(u.Text), 0o644)
}

// Install writes the unit, makes systemd read and enable it, and then start or restart it, as verb says.
func (u Unit) Install(ctx context.Context, root *os.Root, verb string) error {
	if _, err := files.Write(root, u.Path(), []byte(u.Text), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{{"daemon-reload"}, {"enable", "--quiet", u.Name}, {verb, u.Name}} {
		if err := u.Systemctl(ctx, args...); err != nil {
			return fmt.Errorf("%w; to see why, run: journalctl -u %s", err, u.Name)
		}
	}
	return nil
}

// Active reports whether the unit is running or, for one that runs once, whether it succeeded.
func (u Unit) Active(ctx context.Context) bool {
	return u.Systemctl(ctx, "is-active", "--quiet", u.Name) == nil
}

// Systemctl runs systemctl.
func (u Unit) Systemctl(ctx context.Context, args ...string) error {
	_, err := u.Run.Run(ctx, command.Command{Name: "systemctl", Args: args})
	return err
}
