package verify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/config"
	"webstack/contract"
	"webstack/operate"
)

var webChecks = []check{
	{phase: 5, name: "web.tls", looked: "TLS at the public address, by name", when: hasApps, run: checkTLS},
	{phase: 5, name: "web.certificate", looked: "own certificates in Parameter Store", when: hasApps, run: checkOwn},
	{phase: 5, name: "web.answer", looked: "GET https://DOMAIN", when: hasApps, run: checkAnswer},
	{phase: 5, name: "web.redirect", looked: "GET http://DOMAIN", when: hasApps, run: checkRedirect},
	{phase: 5, name: "web.alias", looked: "GET https://ALIAS", when: hasAliases, run: checkAliases},
	{phase: 5, name: "web.unknown", looked: "GET of an unknown name", when: hasApps, run: checkUnknown},
}

func hasAliases(c *config.Config) bool {
	return slices.ContainsFunc(c.Apps, func(app config.App) bool { return len(app.Aliases) > 0 })
}

// publicIP is where the apps answer.
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

// eachApp asks for all apps at the same time, some at once, and keeps their order.
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

// authority is who is expected to have issued a certificate.
type authority struct {
	name  string
	roots *x509.CertPool // nil: the system's
	// unknown is true when its certificate is nowhere to be had: the chain is then not verified.
	unknown bool
}

// staging is Let's Encrypt's authority for trying out, which nothing trusts.
const staging = "staging"

// authority says whose certificates the config asks for. Caddy's own authority is read from the host.
func (w *world) authority(ctx context.Context) (authority, error) {
	switch w.config.Acme {
	case "internal":
		status, err := w.status(ctx)
		if err != nil {
			return authority{}, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(status.Authority)) {
			return authority{}, errors.New("the host has no certificate of Caddy's own authority")
		}
		return authority{name: "Caddy's own authority, as the host has it", roots: roots}, nil
	case staging:
		return authority{name: "Let's Encrypt's staging authority, which nothing trusts: not verified", unknown: true}, nil
	}
	return authority{name: "the system's authorities", roots: w.roots}, nil
}

// ownAuthority is who is expected to have issued an app's own certificate: somebody whom visitors trust, unless the names
// are private ones.
func (w *world) ownAuthority() authority {
	if w.config.Acme == "internal" {
		return authority{name: "the app's own, for a private name: whoever issued it is not verified", unknown: true}
	}
	return authority{name: "the system's authorities", roots: w.roots}
}

func checkTLS(ctx context.Context, w *world) ([]finding, error) {
	ip, err := w.publicIP(ctx)
	if err != nil {
		return nil, err
	}
	expected, err := w.authority(ctx)
	if err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		var out []finding
		for _, name := range append([]string{app.Domain}, app.Aliases...) {
			from := expected
			if own, _ := w.ownCertificate(ctx, app); own != nil && name == app.Domain {
				from = w.ownAuthority()
			}
			out = append(out, w.certificate(ctx, ip, name, from))
		}
		return out
	}), nil
}

// soon is when a certificate should have been renewed long ago: Caddy does so 30 of 90 days before the end, and of short
// ones at a third of their time.
const soon = 7 * 24 * time.Hour

func (w *world) certificate(ctx context.Context, ip, name string, from authority) finding {
	chain, err := w.handshake(ctx, ip, name)
	do := "webstack logs caddy --stack " + w.stack + "; does " + name + " resolve to " + ip + "?"
	if err != nil {
		return failed(name, do, "no TLS: %v", err)
	}
	leaf := chain[0]
	if err := leaf.VerifyHostname(name); err != nil {
		return failed(name, do, "the certificate is for %s", strings.Join(leaf.DNSNames, ", "))
	}
	left := leaf.NotAfter.Sub(w.now)
	switch lifetime := leaf.NotAfter.Sub(leaf.NotBefore); {
	case left <= 0 || w.now.Before(leaf.NotBefore):
		return failed(name, do, "the certificate is valid from %s to %s", day(leaf.NotBefore), day(leaf.NotAfter))
	case left < min(soon, lifetime/8):
		return failed(name, do, "the certificate ends in %s and was not renewed", operate.Ago(left))
	}
	if !from.unknown {
		middle := x509.NewCertPool()
		for _, certificate := range chain[1:] {
			middle.AddCert(certificate)
		}
		_, err := leaf.Verify(x509.VerifyOptions{
			DNSName: name, Roots: from.roots, Intermediates: middle, CurrentTime: w.now,
		})
		if err != nil {
			return failed(name, do, "the certificate of %s is not trusted by %s: %v", leaf.Issuer, from.name, err)
		}
	}
	return passed(name, "until %s, by %s (%s)", day(leaf.NotAfter), leaf.Issuer.CommonName, from.name)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// handshake returns the chain that the host shows for a name. It is verified by whoever asked for it.
func (w *world) handshake(ctx context.Context, ip, name string) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	raw, err := w.dial(ctx, "tcp", net.JoinHostPort(ip, "443"))
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	defer func() { _ = conn.Close() }()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	chain := conn.ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate")
	}
	return chain, nil
}

// ownCertificate is the app's own certificate in Parameter Store, nil when there is none. Its key is never read.
func (w *world) ownCertificate(ctx context.Context, app config.App) (*x509.Certificate, error) {
	name := contract.AppCertParam(app.Name)
	answer, err := w.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if operate.HasCode(err, "ParameterNotFound") {
		return nil, nil
	}
	if err != nil {
		return nil, operate.Explain("read "+name, err)
	}
	block, _ := pem.Decode([]byte(aws.ToString(answer.Parameter.Value)))
	if block == nil {
		return nil, fmt.Errorf("read %s: it is no PEM certificate", name)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return certificate, nil
}

func checkOwn(ctx context.Context, w *world) ([]finding, error) {
	ip, err := w.publicIP(ctx)
	if err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		own, err := w.ownCertificate(ctx, app)
		switch {
		case err != nil:
			return []finding{failed(app.Name, "put the chain there again, the leaf first, as PEM", "%v", err)}
		case own == nil:
			return []finding{passed(app.Name, "none: %s", w.issuerWord())}
		}
		chain, err := w.handshake(ctx, ip, app.Domain)
		if err != nil {
			return []finding{failed(app.Name, "see web.tls first", "%v", err)}
		}
		if !chain[0].Equal(own) {
			return []finding{failed(app.Name, "it is taken at the next converge, within half an hour; if not, read why: "+
				"aws ssm describe-association-executions", "%s shows another certificate than %s", app.Domain,
				contract.AppCertParam(app.Name))}
		}
		return []finding{passed(app.Name, "in use, until %s", day(own.NotAfter))}
	}), nil
}

// issuerWord says where certificates come from without an own one.
func (w *world) issuerWord() string {
	switch w.config.Acme {
	case "internal":
		return "Caddy issues its own"
	case "letsencrypt":
		return "by ACME from Let's Encrypt"
	case staging:
		return "by ACME from Let's Encrypt's staging"
	}
	return "by ACME from " + w.config.Acme
}

// answer is what a visitor gets.
type answer struct {
	status int
	to     string // where a redirect leads
}

// visit asks the host for a page, as a visitor of that name would. What certificate it shows is another check's matter.
func (w *world) visit(ctx context.Context, scheme, name, path string) (answer, error) {
	ip, err := w.publicIP(ctx)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+name+path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("ask for the page: %w", err)
	}
	req.Header.Set("User-Agent", "webstack-verify")
	resp, err := client.Do(req)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err // the URL is in the row
		}
		return answer{}, err
	}
	_ = resp.Body.Close()
	return answer{status: resp.StatusCode, to: resp.Header.Get("Location")}, nil
}

// released tells whether an app has a release, by what the host says. Where the host says nothing it may have one.
func (w *world) released(ctx context.Context, app string) bool {
	status, err := w.status(ctx)
	if err != nil {
		return true
	}
	return !slices.ContainsFunc(status.Apps, func(s contract.AppStatus) bool { return s.Name == app && s.Release == "" })
}

func checkAnswer(ctx context.Context, w *world) ([]finding, error) {
	if _, err := w.publicIP(ctx); err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		got, err := w.visit(ctx, "https", app.Domain, "/")
		switch {
		case err != nil:
			return []finding{failed(app.Domain, "webstack logs caddy --stack "+w.stack, "%v", err)}
		case got.status == http.StatusServiceUnavailable && !w.released(ctx, app.Name):
			return []finding{passed(app.Domain, "503, as it has no release yet")}
		case got.status >= http.StatusInternalServerError:
			return []finding{failed(app.Domain, "webstack logs "+app.Name+" --stack "+w.stack, "%d", got.status)}
		}
		return []finding{passed(app.Domain, "%d", got.status)}
	}), nil
}

// redirects tells whether got leads to a name by https.
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

// redirection looks whether what of says of an app, scheme and name, leads to the third: a name by https.
func (w *world) redirection(ctx context.Context, of func(config.App) [][3]string) ([]finding, error) {
	if _, err := w.publicIP(ctx); err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		var out []finding
		for _, from := range of(app) {
			got, err := w.visit(ctx, from[0], from[1], "/")
			switch do := "webstack logs caddy --stack " + w.stack; {
			case err != nil:
				out = append(out, failed(from[1], do, "%v", err))
			case !redirects(got, from[2]):
				out = append(out, failed(from[1], do, "%d %s, no redirect to https://%s", got.status, got.to, from[2]))
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
	// What an app makes of a name that is not its own is its matter. Whose certificate is shown says who answers.
	chain, err := w.handshake(ctx, ip, unknownName)
	if err != nil {
		return nil, fmt.Errorf("https://%s at the public address: %w", unknownName, err)
	}
	if chain[0].VerifyHostname(active.Domain) != nil {
		return []finding{failed("", w.again(), "the certificate of %s is shown, not that of the active app %s",
			strings.Join(chain[0].DNSNames, ", "), active.Name)}, nil
	}
	got, err := w.visit(ctx, "http", unknownName, "/")
	switch {
	case err != nil:
		return nil, fmt.Errorf("http://%s at the public address: %w", unknownName, err)
	case got.status >= http.StatusInternalServerError && w.released(ctx, active.Name):
		return []finding{failed("", "webstack logs "+active.Name+" --stack "+w.stack, "%d", got.status)}, nil
	}
	return []finding{passed("", "%d, from the active app %s", got.status, active.Name)}, nil
}
