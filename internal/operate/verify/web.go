package verify

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"webstack/config"
	"webstack/contract"
)

var webChecks = []check{
	{phase: 5, name: "web.tls", looked: "TLS at the public address, for each name", when: hasApps, run: checkTLS},
	{phase: 5, name: "web.certificate", looked: "the apps' own certificates in Parameter Store", when: hasApps, run: checkOwn},
	{phase: 5, name: "web.answer", looked: "GET https://DOMAIN", when: hasApps, run: checkAnswer},
	{phase: 5, name: "web.redirect", looked: "GET http://DOMAIN", when: hasApps, run: checkRedirect},
	{phase: 5, name: "web.alias", looked: "GET https://ALIAS", when: hasAliases, run: checkAliases},
	{phase: 5, name: "web.connections", looked: "connection limits in the host's packet filter", run: checkWebConnections},
	{phase: 5, name: "web.unknown", looked: "GET for an unknown name and the bare address", when: hasApps, run: checkUnknown},
}

func hasAliases(c *config.Config) bool {
	return slices.ContainsFunc(c.Apps, func(app config.App) bool { return len(app.Aliases) > 0 })
}

func checkWebConnections(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	if !status.WebGuarded {
		return []finding{warned("", "webstack shell, then: sudo iptables -t mangle -S WEBSTACK, and the same with ip6tables. "+
			"The next run of the association creates the rules again",
			"one address can open as many connections as Caddy has memory for")}, nil
	}
	return []finding{passed("", "connections are limited per address and in total")}, nil
}

// publicIP returns the address where the apps answer.
func (w *world) publicIP(ctx context.Context) (string, error) {
	host, err := w.host(ctx)
	if err != nil {
		return "", err
	}
	if host.PublicIP == "" {
		return "", &dependsOn{check: "host.address", err: errors.New("the host has no public address")}
	}
	return host.PublicIP, nil
}

// eachApp checks several apps at the same time and keeps their order.
func (w *world) eachApp(ask func(config.App) []finding) []finding {
	found := make([][]finding, len(w.config.Apps))
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, app := range w.config.Apps {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i] = ask(app)
		})
	}
	group.Wait()
	return slices.Concat(found...)
}

// answer is the response that a visitor gets.
type answer struct {
	status int
	to     string // where a redirect leads
}

// visit gets the front page from the host, as a visitor of that name would.
func (w *world) visit(ctx context.Context, scheme, name string) (answer, error) {
	ip, err := w.publicIP(ctx)
	if err != nil {
		return answer{}, err
	}
	return w.visitAt(ctx, ip, scheme, name)
}

// visitAt gets the front page from an address. Other checks verify the certificate.
func (w *world) visitAt(ctx context.Context, ip, scheme, name string) (answer, error) {
	ctx, cancel := w.limited(ctx)
	defer cancel()
	client := &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return w.dial(ctx, network, net.JoinHostPort(ip, port))
			},
			TLSClientConfig:   &tls.Config{ServerName: name, InsecureSkipVerify: true},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+name+"/", nil)
	if err != nil {
		return answer{}, fmt.Errorf("get the page: %w", err)
	}
	req.Header.Set("User-Agent", "webstack-verify")
	resp, err := client.Do(req)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err // the URL is in the row
		}
		return answer{}, cmp.Or(context.Cause(ctx), err)
	}
	_ = resp.Body.Close()
	return answer{status: resp.StatusCode, to: resp.Header.Get("Location")}, nil
}

// released reports whether an app has a release, according to the host. If the host does not say, it may have one.
func (w *world) released(ctx context.Context, app string) bool {
	status, err := w.status(ctx)
	if err != nil {
		return true
	}
	return !slices.ContainsFunc(status.Apps, func(s contract.AppStatus) bool { return s.Name == app && s.Release == "" && s.Wanted == "" })
}

func checkAnswer(ctx context.Context, w *world) ([]finding, error) {
	if _, err := w.publicIP(ctx); err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		got, err := w.visit(ctx, "https", app.Domain)
		switch {
		case err != nil:
			return []finding{failed(app.Domain, "webstack logs caddy --stack "+w.stack, "%v", err)}
		case got.status == http.StatusServiceUnavailable && !w.released(ctx, app.Name):
			return []finding{passed(app.Domain, "503, because it has no release yet")}
		case got.status >= http.StatusInternalServerError:
			return []finding{failed(app.Domain, "webstack logs "+app.Name+" --stack "+w.stack, "%d", got.status)}
		}
		return []finding{passed(app.Domain, "%d", got.status)}
	}), nil
}

// redirects reports whether got redirects to a name with https.
func redirects(got answer, name string) bool {
	to, err := url.Parse(got.to)
	return err == nil && got.status >= 300 && got.status < 400 && to.Scheme == "https" && to.Hostname() == name
}

func checkRedirect(ctx context.Context, w *world) ([]finding, error) {
	return w.redirection(ctx, func(app config.App) [][3]string {
		return [][3]string{{"http", app.Domain, app.Domain}}
	})
}

func checkAliases(ctx context.Context, w *world) ([]finding, error) {
	return w.redirection(ctx, func(app config.App) [][3]string {
		var out [][3]string
		for _, alias := range app.Aliases {
			out = append(out, [3]string{"https", alias, app.Domain})
		}
		return out
	})
}

// redirection checks that the scheme and name that of returns for an app redirect to the name that it returns third,
// with https.
func (w *world) redirection(ctx context.Context, of func(config.App) [][3]string) ([]finding, error) {
	if _, err := w.publicIP(ctx); err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		var out []finding
		for _, from := range of(app) {
			got, err := w.visit(ctx, from[0], from[1])
			switch do := "webstack logs caddy --stack " + w.stack; {
			case err != nil:
				out = append(out, failed(from[1], do, "%v", err))
			case !redirects(got, from[2]):
				out = append(out, failed(from[1], do, "%d %s, not a redirect to https://%s", got.status, got.to, from[2]))
			default:
				out = append(out, passed(from[1], "%d to %s", got.status, got.to))
			}
		}
		return out
	}), nil
}

// unknownName is a name that no stack has.
const unknownName = "webstack-verify.invalid"

func checkUnknown(ctx context.Context, w *world) ([]finding, error) {
	ip, err := w.publicIP(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(w.config.Apps, func(app config.App) bool { return app.Name == w.config.ActiveApp })
	active := w.config.Apps[at]
	chain, err := w.handshake(ctx, ip, unknownName)
	if err != nil {
		return nil, fmt.Errorf("https://%s at the public address: %w", unknownName, err)
	}
	if chain[0].VerifyHostname(active.Domain) != nil {
		return []finding{failed("", w.again(), "the certificate is for %s, not for the active app %s",
			strings.Join(chain[0].DNSNames, ", "), active.Name)}, nil
	}
	got, err := w.visit(ctx, "http", unknownName)
	switch {
	case err != nil:
		return nil, fmt.Errorf("http://%s at the public address: %w", unknownName, err)
	case got.status != http.StatusMisdirectedRequest:
		return []finding{failed("", w.again(), "%d for an unknown name, not %d", got.status, http.StatusMisdirectedRequest)}, nil
	}
	bare, err := w.visit(ctx, "http", ip)
	switch {
	case err != nil:
		return nil, fmt.Errorf("http://%s: %w", ip, err)
	case bare.status >= http.StatusInternalServerError && w.released(ctx, active.Name):
		return []finding{failed("", "webstack logs "+active.Name+" --stack "+w.stack, "%d from the bare address", bare.status)}, nil
	}
	return []finding{passed("", "%d; %d from the active app %s at the bare address", got.status, bare.status, active.Name)}, nil
}
