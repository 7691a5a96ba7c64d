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

// resolvConf lists the name servers that this computer asks.
const resolvConf = "/etc/resolv.conf"

// answered is what DNS says of a name.
type answered struct {
	// addresses are sorted.
	addresses []string
	// server is who said so.
	server string
	// ttl is for how long that may still be remembered.
	ttl time.Duration
}

// resolver asks DNS and nothing else: no hosts file, and no other source of names that the system knows.
type resolver interface {
	lookup(ctx context.Context, name string) (answered, error)
}

// nameServers asks name servers, each as HOST:PORT, until one answers.
type nameServers []string

// newResolver asks the name server at address, or those of the system when address is "".
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
			break // another one would say the same
		}
	}
	return answered{}, errors.Join(errs...)
}

// errNoName says that DNS has no address for a name.
var errNoName = errors.New("there is no address")

// ask asks one server for both kinds of addresses.
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
		return answered{}, fmt.Errorf("%w in DNS, says %s", errNoName, out.server)
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

// system asks by the system's own means, where its name servers are not known.
type system struct{}

func (system) lookup(ctx context.Context, name string) (answered, error) {
	found, err := net.DefaultResolver.LookupIPAddr(ctx, name)
	if err != nil {
		if missing := (*net.DNSError)(nil); errors.As(err, &missing) && missing.IsNotFound {
			return answered{}, fmt.Errorf("%w, says this computer", errNoName)
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
