package lab

import (
	"context"
	"errors"
	"net"
	"slices"
)

// Lookup asks the clone's DNS server for the addresses of a name; none if there is no such name.
func (c *Clone) Lookup(name string) []string {
	c.tb.Helper()
	env := c.Env()
	server := net.JoinHostPort(env["WEBSTACK_DNS_ADDR"], env["WEBSTACK_DNS_PORT"])
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server)
	}}
	found, err := resolver.LookupHost(c.tb.Context(), name+".")
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return nil
	}
	if err != nil {
		c.tb.Fatalf("look up %s: %v", name, err)
	}
	slices.Sort(found)
	return found
}
