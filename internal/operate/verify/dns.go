package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"webstack/config"
)

var dnsChecks = []check{
	{phase: 7, name: "dns.names", looked: "the addresses of the domains in DNS", when: hasApps, run: checkNames},
	{phase: 7, name: "dns.proxy", looked: "GET https://DOMAIN through Cloudflare", when: hasProxied, run: checkProxy},
}

func hasProxied(c *config.Config) bool {
	return slices.ContainsFunc(c.Apps, func(app config.App) bool { return app.CfProxied })
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
			out = append(out, w.resolves(ctx, app, name, want))
		}
		return out
	}), nil
}

// resolves checks the DNS answer for one name.
func (w *world) resolves(ctx context.Context, app config.App, name string, want []string) finding {
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	found, err := w.names.lookup(ctx, name)
	switch {
	case errors.Is(err, errNoName):
		return failed(name, w.pointing(app, name, want), "%v", err)
	case err != nil:
		return failed(name, "check that this computer can reach its name servers", "%v", err)
	}
	missing, extra := without(want, found.addresses), without(found.addresses, want)
	text := strings.Join(found.addresses, ", ")
	switch {
	case app.CfProxied && w.emulated && len(missing) == 0:
		return passed(name, "%s; in a real zone, these would be addresses of Cloudflare's proxy", text)
	case app.CfProxied && len(missing) < len(want):
		return failed(name, w.pointing(app, name, want), "%s is the host itself, not Cloudflare's proxy, according to %s",
			text, found.server)
	case app.CfProxied:
		return passed(name, "%s (Cloudflare's proxy)", text)
	case len(missing) == 0 && len(extra) > 0:
		return failed(name, w.otherRecord(app, name, extra), "%s in addition to the host's %s, according to %s",
			strings.Join(extra, ", "), strings.Join(want, " and "), found.server)
	case len(missing) > 0:
		return failed(name, w.pointing(app, name, want)+remembered(found), "%s, not %s, according to %s", text,
			strings.Join(want, " and "), found.server)
	}
	return w.asHere(ctx, name, found)
}

// asHere passes a name, and says if this computer uses another address than DNS returns.
func (w *world) asHere(ctx context.Context, name string, found answered) finding {
	text := strings.Join(found.addresses, ", ")
	if w.here != nil {
		here, err := w.here.lookup(ctx, name)
		if err == nil && len(without(here.addresses, found.addresses)) > 0 {
			return passed(name, "%s, according to %s; this computer uses %s, perhaps from its hosts file", text, found.server,
				strings.Join(here.addresses, ", "))
		}
	}
	return passed(name, "%s", text)
}

// remembered warns that the old answer stays cached for a while.
func remembered(found answered) string {
	if found.ttl == 0 {
		return ""
	}
	return fmt.Sprintf("; %s may return the old answer for another %s", found.server, found.ttl.Round(time.Second))
}

// pointing says how to make a name point to the host.
func (w *world) pointing(app config.App, name string, want []string) string {
	if w.config.EnableDns {
		return fmt.Sprintf("%s; if the record exists, check that zone %s is delegated to Cloudflare", w.again(), app.Zone)
	}
	return fmt.Sprintf("point %s to %s at your DNS provider", name, strings.Join(want, " and "))
}

// otherRecord says how to remove a record that is not the stack's own. An update does not remove it.
func (w *world) otherRecord(app config.App, name string, extra []string) string {
	where := "at your DNS provider"
	if w.config.EnableDns {
		where = "in the Cloudflare dashboard, zone " + app.Zone + ", DNS"
	}
	return fmt.Sprintf("visitors are sent to either address: delete the record of %s with %s %s", name,
		strings.Join(extra, " and "), where)
}

// checkProxy visits proxied apps as everybody does. The laptop cloud has no proxy, so the check is skipped there.
func checkProxy(ctx context.Context, w *world) ([]finding, error) {
	if w.emulated {
		return nil, nil
	}
	if _, err := w.host(ctx); err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		if !app.CfProxied {
			return nil
		}
		return []finding{w.throughProxy(ctx, app)}
	}), nil
}

// throughProxy visits one app at the address that DNS returns, which is Cloudflare's.
func (w *world) throughProxy(ctx context.Context, app config.App) finding {
	limited, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	found, err := w.names.lookup(limited, app.Domain)
	if err != nil {
		return failed(app.Domain, "see dns.names first", "%v", err)
	}
	got, err := w.visitAt(ctx, found.addresses[0], "https", app.Domain)
	switch {
	case err != nil:
		return failed(app.Domain, "look at the zone "+app.Zone+" in the Cloudflare dashboard: is it active, and does it "+
			"have a certificate?", "%v", err)
	case loops(got, app.Domain):
		return failed(app.Domain, "set the SSL/TLS mode of zone "+app.Zone+" to Full (strict) in the Cloudflare dashboard: in mode "+
			"Flexible, Cloudflare connects to the host by HTTP, which always redirects to HTTPS",
			"%d to itself: a redirect loop", got.status)
	case proxyErrors[got.status] != "":
		return failed(app.Domain, proxyErrors[got.status], "%d from Cloudflare", got.status)
	}
	return passed(app.Domain, "%d", got.status)
}

// loops reports whether a page of https://name redirects to itself.
func loops(got answer, name string) bool {
	to, err := url.Parse(got.to)
	return err == nil && redirects(got, name) && (to.Path == "" || to.Path == "/") && to.RawQuery == ""
}

// proxyErrors are Cloudflare's own statuses for a host with a problem, and what to do.
var proxyErrors = map[int]string{
	520:                        "see web.answer: Cloudflare does not understand the host's answer",
	521:                        "see web.tls: the host refuses Cloudflare's connections",
	522:                        "see web.tls: the host does not answer Cloudflare; are ports 80 and 443 open?",
	523:                        "see dns.names: Cloudflare cannot reach the host's address",
	524:                        "see web.answer: the app takes longer to answer than Cloudflare waits",
	525:                        "see web.tls: the host has no certificate for that name yet",
	526:                        "see web.tls: mode Full (strict) does not accept the host's certificate; with acme: internal use mode Full",
	http.StatusTooManyRequests: "wait a minute and run verify again: Cloudflare limits requests from here",
}
