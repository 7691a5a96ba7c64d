// Package connlimit bounds how many connections to Postgres containers may hold, before Postgres sees them. Postgres
// itself counts a connection as its role's only once the password was given, so an app that opens connections and stays
// silent could take all there are, the superuser's included. The kernel counts them by the container's address. What
// stays in the host, or in Postgres' own container, is not counted: the host program and the operator always get in.
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

// Options say what is allowed.
type Options struct {
	// Bridge is the network interface of the Docker network on which Postgres is reached; "" where there is no Postgres
	// on this host, and nothing to bound.
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

// bridgeRE is what Linux takes as the name of an interface, and nothing that systemd would read in another way.
var bridgeRE = regexp.MustCompile(`^[A-Za-z0-9_-]{1,15}$`)

// Ensure sees to it that the rules are in force, now and after a boot. On a host where they are, nothing is changed.
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
		return fmt.Errorf("%d per container and %d in all on the network interface %q cannot be set", o.PerContainer, o.Total,
			o.Bridge)
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
	o.say("an app's container may hold %d connections to Postgres, all of them together %d", o.PerContainer, o.Total)
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

// InForce tells whether connections are bounded.
func InForce(ctx context.Context, run command.Runner) bool {
	return systemd.Unit{Name: unit, Run: run}.Active(ctx)
}

// inForce tells whether the rules are there: a person, or another program, may have removed them.
func (o Options) inForce(ctx context.Context) bool {
	return o.run(ctx, "iptables", strings.Fields(o.jump("--check"))...) == nil &&
		o.run(ctx, "iptables", strings.Fields(o.rule("--check", o.PerContainer, 32))...) == nil &&
		o.run(ctx, "iptables", strings.Fields(o.rule("--check", o.Total, 0))...) == nil
}

// The table mangle is left alone by Docker, and comes before the one in which Docker lets its networks' packets through.
const table = "--wait 5 --table mangle "

// jump leads what goes to the network's containers to the chain.
func (o Options) jump(do string) string {
	return table + do + " FORWARD --out-interface " + o.Bridge + " --protocol tcp --syn --destination-port " + port +
		" --jump " + chain
}

// rule drops the first packet of a connection when there are more than so many from addresses that are equal in the
// first bits. It is sent again for a while, so whoever waits gets in once there is room.
func (o Options) rule(do string, most, bits int) string {
	return fmt.Sprintf("%s%s %s --match connlimit --connlimit-above %d --connlimit-mask %d --connlimit-saddr --jump DROP",
		table, do, chain, most, bits)
}

// unitText puts the rules in place before Docker starts. A line that may fail begins with a dash.
func (o Options) unitText() string {
	// Packets within one network reach these rules only with this part of the kernel.
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
