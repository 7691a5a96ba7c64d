package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"webstack/config"
)

var dnsChecks = []check{
	{phase: 7, name: "dns.names", looked: "what the names resolve to", when: hasApps, run: checkNames},
}

func checkNames(ctx context.Context, w *world) ([]finding, error) {
	host, err := w.host(ctx)
	if err != nil {
		return nil, err
	}
	ip, err := w.publicIP(ctx)
	if err != nil {
		return nil, err
	}
	want := []string{ip}
	if w.config.EnableIpv6 {
		want = append(want, aws.ToString(host.Instance.Ipv6Address))
	}
	return w.eachApp(func(app config.App) []finding {
		var out []finding
		for _, name := range append([]string{app.Domain}, app.Aliases...) {
			out = append(out, w.resolves(ctx, name, app.CfProxied, want))
		}
		return out
	}), nil
}

func (w *world) resolves(ctx context.Context, name string, proxied bool, want []string) finding {
	do := fmt.Sprintf("let %s point to %s at your DNS provider; resolvers remember for as long as the old record says",
		name, strings.Join(want, " and "))
	if w.config.EnableDns {
		do = w.again() + "; is the zone delegated to Cloudflare?"
	}
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	found, err := w.names.LookupIPAddr(ctx, name)
	if err != nil {
		return failed(name, do, "%v", err)
	}
	var addresses []string
	for _, address := range found {
		addresses = append(addresses, address.IP.String())
	}
	slices.Sort(addresses)
	text := strings.Join(addresses, ", ")
	missing := without(want, addresses)
	if proxied {
		if len(missing) < len(want) {
			return failed(name, do, "%s is the host itself, not Cloudflare's proxy", text)
		}
		return passed(name, "%s (Cloudflare's proxy)", text)
	}
	if len(missing) > 0 || len(addresses) > len(want) {
		return failed(name, do, "%s, not %s", text, strings.Join(want, " and "))
	}
	return passed(name, "%s", text)
}
