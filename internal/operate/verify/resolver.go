package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// resolvConf lists the name servers of this computer.
const resolvConf = "/etc/resolv.conf"

// answered is the DNS answer for a name.
type answered struct {
	// addresses are sorted.
	addresses []string
	// server is the name server that answered.
	server string
	// ttl is how long the answer may stay cached.
	ttl time.Duration
}

// resolver asks DNS only: no hosts file, and no other source of names that the system knows.
type resolver interface {
	lookup(ctx context.Context, name string) (answered, error)
}

// nameServers are name servers, each as HOST:PORT, which are asked in turn until one answers.
type nameServers []string

// newResolver returns a resolver that asks the name server at address, or the system's if address is "".
func newResolver(address string) resolver {
	if address != "" {
		return nameServers{address}
	}
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil || len(config.Servers) == 0 {
		return system{}
	}
	var servers nameServers
	for _, server := range config.Servers {
		servers = append(servers, net.JoinHostPort(server, config.Port))
	}
	return servers
}

func (s nameServers) lookup(ctx context.Context, name string) (answered, error) {
	var errs []error
	for _, server := range s {
		found, err := ask(ctx, server, name)
		if err == nil {
			return found, nil
		}
		errs = append(errs, err)
		if errors.Is(err, errNoName) {
			break // another server would say the same
		}
	}
	return answered{}, errors.Join(errs...)
}

// errNoName says that a name has no address.
var errNoName = errors.New("no address")

// ask asks one server for both IPv4 and IPv6 addresses.
func ask(ctx context.Context, server, name string) (answered, error) {
	out := answered{server: strings.TrimSuffix(server, ":53")}
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		query := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
		reply, _, err := new(dns.Client).ExchangeContext(ctx, query, server)
		if err == nil && reply.Truncated {
			reply, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, query, server)
		}
		switch {
		case err != nil:
			return answered{}, fmt.Errorf("ask the name server %s: %w", out.server, err)
		case reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError:
			return answered{}, fmt.Errorf("the name server %s answers %s", out.server, dns.RcodeToString[reply.Rcode])
		}
		for _, record := range reply.Answer {
			out.add(record)
		}
	}
	if len(out.addresses) == 0 {
		return answered{}, fmt.Errorf("%w in DNS, according to %s", errNoName, out.server)
	}
	slices.Sort(out.addresses)
	return out, nil
}

func (a *answered) add(record dns.RR) {
	switch r := record.(type) {
	case *dns.A:
		a.addresses = append(a.addresses, r.A.String())
	case *dns.AAAA:
		a.addresses = append(a.addresses, r.AAAA.String())
	default:
		return
	}
	a.ttl = max(a.ttl, time.Duration(record.Header().Ttl)*time.Second)
}

// system asks the system's own resolver, for systems whose name servers are unknown.
type system struct{}

func (system) lookup(ctx context.Context, name string) (answered, error) {
	found, err := net.DefaultResolver.LookupIPAddr(ctx, name)
	if err != nil {
		if missing := (*net.DNSError)(nil); errors.As(err, &missing) && missing.IsNotFound {
			return answered{}, fmt.Errorf("%w, according to this computer", errNoName)
		}
		return answered{}, err
	}
	out := answered{server: "this computer"}
	for _, address := range found {
		out.addresses = append(out.addresses, address.IP.String())
	}
	slices.Sort(out.addresses)
	return out, nil
}
