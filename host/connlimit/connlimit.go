// Package connlimit limits how many connections to Postgres containers may hold, before they reach Postgres. Postgres
// itself counts a connection for its role only after the password was sent, so an app that opens connections and stays
// silent could take all of them, including the superuser's. The kernel counts them by the container's address.
// Connections within the host, or within Postgres' own container, are not counted: the host program and the operator
// can always connect.
package connlimit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"webstack/host/command"
	"webstack/host/files"
	"webstack/host/systemd"
)

// Options are the limits.
type Options struct {
	// Bridge is the network interface of Postgres' Docker network; "" if there is no Postgres on this host, and so
	// nothing to limit.
	Bridge string
	// PerContainer is how many connections one container may hold, Total how many all of them together.
	PerContainer, Total int
	// Run runs the system's programs.
	Run command.Runner
	// Root is where the file system begins; "" = "/".
	Root string
	// Out gets a line for each change.
	Out io.Writer
}

const (
	unit     = "webstack-connections.service"
	unitFile = "etc/systemd/system/" + unit
	chain    = "WEBSTACK-DB"
	port     = "5432"
)

// bridgeRE matches names of interfaces that have no special meaning for systemd.
var bridgeRE = regexp.MustCompile(`^[A-Za-z0-9_-]{1,15}$`)

// Ensure makes sure that the rules are in force, now and after a boot. If they are, it changes nothing.
func Ensure(ctx context.Context, o Options) error {
	if o.Root == "" {
		o.Root = "/"
	}
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return fmt.Errorf("limit connections to Postgres: %w", err)
	}
	defer func() { _ = root.Close() }()
	if o.Bridge == "" {
		err = o.remove(ctx, root)
	} else {
		err = o.install(ctx, root)
	}
	if err != nil {
		return fmt.Errorf("limit connections to Postgres: %w", err)
	}
	return nil
}

func (o Options) install(ctx context.Context, root *os.Root) error {
	if !bridgeRE.MatchString(o.Bridge) || o.PerContainer < 1 || o.Total < 1 {
		return fmt.Errorf("the limits %d per container and %d in total on the network interface %q are not valid",
			o.PerContainer, o.Total, o.Bridge)
	}
	service := systemd.Unit{Name: unit, Text: o.unitText(), Run: o.Run}
	same, err := service.Installed(root)
	if err != nil {
		return err
	}
	if same && o.inForce(ctx) {
		return nil
	}
	if err := service.Install(ctx, root, "restart"); err != nil {
		return err
	}
	o.say("limited connections to Postgres to %d per app container, %d in total", o.PerContainer, o.Total)
	return nil
}

func (o Options) remove(ctx context.Context, root *os.Root) error {
	if _, err := root.Lstat(unitFile); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := o.run(ctx, "systemctl", "disable", "--quiet", "--now", unit); err != nil {
		return err
	}
	if _, err := files.Remove(root, unitFile); err != nil {
		return err
	}
	o.say("removed the limits on connections to Postgres")
	return o.run(ctx, "systemctl", "daemon-reload")
}

// InForce reports whether connections are limited.
func InForce(ctx context.Context, run command.Runner) bool {
	return systemd.Unit{Name: unit, Run: run}.Active(ctx)
}

// inForce reports whether the rules exist: a person or another program may have removed them.
func (o Options) inForce(ctx context.Context) bool {
	return o.run(ctx, "iptables", strings.Fields(o.jump("--check"))...) == nil &&
		o.run(ctx, "iptables", strings.Fields(o.rule("--check", o.PerContainer, 32))...) == nil &&
		o.run(ctx, "iptables", strings.Fields(o.rule("--check", o.Total, 0))...) == nil
}

// Docker does not use the table mangle. It comes before the one in which Docker accepts its networks' packets.
const table = "--wait 5 --table mangle "

// jump sends packets for the network's containers to the chain.
func (o Options) jump(do string) string {
	return table + do + " FORWARD --out-interface " + o.Bridge + " --protocol tcp --syn --destination-port " + port +
		" --jump " + chain
}

// rule drops the first packet of a connection if there are too many from addresses whose first bits are the same. The
// client sends it again for a while, so that it can connect once there is room.
func (o Options) rule(do string, most, bits int) string {
	return fmt.Sprintf("%s%s %s --match connlimit --connlimit-above %d --connlimit-mask %d --connlimit-saddr --jump DROP",
		table, do, chain, most, bits)
}

// unitText puts the rules in place before Docker starts. A line that may fail begins with a dash.
func (o Options) unitText() string {
	// Packets within one network reach these rules only with this kernel module.
	lines := []string{
		"ExecStart=-modprobe br_netfilter",
		"ExecStart=sysctl --quiet --write net.bridge.bridge-nf-call-iptables=1",
		"ExecStart=-iptables " + table + "--new-chain " + chain,
		"ExecStart=iptables " + table + "--flush " + chain,
		"ExecStart=iptables " + o.rule("--append", o.PerContainer, 32),
		"ExecStart=iptables " + o.rule("--append", o.Total, 0),
		"ExecStart=-iptables " + o.jump("--delete"),
		"ExecStart=iptables " + o.jump("--append"),
		"ExecStop=-iptables " + o.jump("--delete"),
		"ExecStop=-iptables " + table + "--flush " + chain,
		"ExecStop=-iptables " + table + "--delete-chain " + chain,
	}
	return `# Written by webstackctl; changes are lost.
[Unit]
Description=Limits on connections to Postgres
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
` + strings.Join(lines, "\n") + `

[Install]
WantedBy=multi-user.target
`
}

func (o Options) run(ctx context.Context, name string, args ...string) error {
	_, err := o.Run.Run(ctx, command.Command{Name: name, Args: args})
	return err
}

func (o Options) say(format string, args ...any) { _, _ = fmt.Fprintf(o.Out, format+"\n", args...) }
