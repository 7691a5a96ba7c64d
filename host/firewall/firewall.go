// Package firewall limits the connections to the web ports in the host's packet filter, before they cost Caddy memory.
// The rules have their own chain. A boot removes them, and the next run creates them again.
package firewall

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"webstack/contract"
	"webstack/host/command"
)

// chain is the chain with the rules, in the table mangle: there, packets still have the address and port that the
// visitor sent them to, whether Docker redirects them or its proxy accepts them.
const chain = "WEBSTACK"

// Options configure Ensure.
type Options struct {
	// Run runs the system's programs.
	Run command.Runner
	// Out gets a line when the rules changed.
	Out io.Writer
	// Web has the limits; the zero value means no limits.
	Web contract.Web
}

// family is one of the two protocols, each with its own programs and rules.
type family struct {
	program string // the program that changes rules; with the suffix "-restore", the one that replaces many at once
	mask    int    // how many bits of an address identify a visitor
	is4     bool
}

var families = []family{
	{program: "iptables", mask: 32, is4: true},
	// An IPv6 visitor has a /64.
	{program: "ip6tables", mask: 64},
}

// Ensure makes the kernel refuse connections beyond the limits. If the rules exist, it changes nothing, so that
// connections stay counted. It needs iptables on the host.
func Ensure(ctx context.Context, o Options) error {
	for _, f := range families {
		changed, err := f.ensure(ctx, o)
		if err != nil {
			return fmt.Errorf("limit connections: %w", err)
		}
		if changed && f.is4 {
			_, _ = fmt.Fprintf(o.Out, "web ports: at most %d connections from one address, %d in total\n",
				o.Web.ConnectionsPerAddress, o.Web.Connections)
		}
	}
	return nil
}

// jumps send the first packet of each connection to this host's web ports to the chain, but no forwarded packets, such
// as those of the apps' own requests to other servers.
var jumps = [][]string{
	strings.Fields("--protocol tcp --match multiport --dports 80,443 --match conntrack --ctstate NEW " +
		"--match addrtype --dst-type LOCAL --jump " + chain),
	strings.Fields("--protocol udp --match multiport --dports 443 --match conntrack --ctstate NEW " +
		"--match addrtype --dst-type LOCAL --jump " + chain),
}

// InForce reports whether the rules exist.
func InForce(ctx context.Context, run command.Runner, web contract.Web) bool {
	for _, f := range families {
		if f.run(ctx, run, append([]string{"--check", chain}, mark(f.rules(web))...)) != nil {
			return false
		}
		for _, jump := range jumps {
			if f.run(ctx, run, append([]string{"--check", "PREROUTING"}, jump...)) != nil {
				return false
			}
		}
	}
	return true
}

// mark is a rule without effect that contains the checksum of the others.
func mark(rules string) []string {
	return []string{"--match", "comment", "--comment", contract.Sum([]byte(rules))}
}

func (f family) run(ctx context.Context, run command.Runner, args []string) error {
	_, err := run.Run(ctx, command.Command{Name: f.program, Args: append(strings.Fields("--wait 5 --table mangle"), args...)})
	return err
}

func (f family) ensure(ctx context.Context, o Options) (changed bool, err error) {
	rules := f.rules(o.Web)
	mark := mark(rules)
	if f.run(ctx, o.Run, append([]string{"--check", chain}, mark...)) != nil {
		_, err := o.Run.Run(ctx, command.Command{
			Name: f.program + "-restore", Args: strings.Fields("--wait 5 --noflush"),
			Stdin: strings.NewReader("*mangle\n:" + chain + " - [0:0]\n" +
				"-A " + chain + " " + strings.Join(mark, " ") + "\n" + rules + "COMMIT\n"),
		})
		if err != nil {
			return false, err
		}
		changed = true
	}
	for _, jump := range jumps {
		if f.run(ctx, o.Run, append([]string{"--check", "PREROUTING"}, jump...)) == nil {
			continue
		}
		if err := f.run(ctx, o.Run, append([]string{"--append", "PREROUTING"}, jump...)); err != nil {
			return false, err
		}
		changed = true
	}
	return changed, nil
}

// rules returns the rules of the chain, one per line.
func (f family) rules(web contract.Web) string {
	if web.Connections == 0 {
		return ""
	}
	var out strings.Builder
	add := func(format string, args ...any) { _, _ = fmt.Fprintf(&out, "-A "+chain+" "+format+"\n", args...) }
	add("--match connlimit --connlimit-saddr --connlimit-mask 0 --connlimit-above %d --jump DROP", web.Connections)
	for _, cidr := range web.Proxies {
		if prefix, err := netip.ParsePrefix(cidr); err == nil && prefix.Addr().Is4() == f.is4 {
			add("--source %s --jump RETURN", cidr)
		}
	}
	add("--match connlimit --connlimit-saddr --connlimit-mask %d --connlimit-above %d --jump DROP",
		f.mask, web.ConnectionsPerAddress)
	return out.String()
}
