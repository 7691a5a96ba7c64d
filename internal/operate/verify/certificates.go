package verify

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

// authority is the expected issuer of a certificate.
type authority struct {
	name  string
	roots *x509.CertPool // nil means the system's
	// unknown means that the authority's certificate is not available. The chain is not verified then.
	unknown bool
}

// staging is Let's Encrypt's test authority, which nothing trusts.
const staging = "staging"

// authority returns the authority whose certificates the config asks for. Caddy's own is read from the host.
func (w *world) authority(ctx context.Context) (authority, error) {
	switch w.config.Acme {
	case "internal":
		status, err := w.status(ctx)
		if err != nil {
			return authority{}, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(status.Authority)) {
			return authority{}, errors.New("the host does not have the certificate of Caddy's own authority")
		}
		return authority{name: "Caddy's own authority, as the host has it", roots: roots}, nil
	case staging:
		return authority{name: "Let's Encrypt's staging authority, which nothing trusts: not verified", unknown: true}, nil
	}
	return authority{name: "the system's authorities", roots: w.roots}, nil
}

// ownAuthority returns the expected issuer of an app's own certificate: an authority that visitors trust, unless the
// names are private.
func (w *world) ownAuthority() authority {
	if w.config.Acme == "internal" {
		return authority{name: "the app's own, for a private name: its issuer is not verified", unknown: true}
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
			if own, _, _ := w.ownCertificate(ctx, app); own != nil && name == app.Domain {
				from = w.ownAuthority()
			}
			out = append(out, w.certificate(ctx, ip, name, from))
		}
		return out
	}), nil
}

// soon is when a certificate should have been renewed long ago: Caddy renews one of 90 days 30 days before its end, and
// shorter ones when a third of their lifetime is left.
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
		return failed(name, do, "the certificate expires in %s and was not renewed", operate.Ago(left))
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

// limited returns a context that ends a request without an answer.
func (w *world) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, w.limit, fmt.Errorf("no answer within %s", w.limit))
}

// handshake returns the certificate chain that the host sends for a name. The caller verifies it.
func (w *world) handshake(ctx context.Context, ip, name string) ([]*x509.Certificate, error) {
	ctx, cancel := w.limited(ctx)
	defer cancel()
	raw, err := w.dial(ctx, "tcp", net.JoinHostPort(ip, "443"))
	if err != nil {
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	conn := tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	defer func() { _ = conn.Close() }()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	chain := conn.ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate")
	}
	return chain, nil
}

// ownCertificate returns the app's own certificate in Parameter Store, nil if there is none, and the name of its
// parameter. It never reads the private key.
func (w *world) ownCertificate(ctx context.Context, app config.App) (*x509.Certificate, string, error) {
	for _, place := range contract.AppCertificateParams(contract.BasePath(w.project, w.stack), app.Name) {
		name := place.Cert
		value, err := w.parameter(ctx, name)
		if err != nil {
			return nil, name, err
		}
		if value == "" {
			continue
		}
		block, _ := pem.Decode([]byte(value))
		if block == nil {
			return nil, name, fmt.Errorf("read %s: it is not a PEM certificate", name)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, name, fmt.Errorf("read %s: %w", name, err)
		}
		return certificate, name, nil
	}
	return nil, "", nil
}

func checkOwn(ctx context.Context, w *world) ([]finding, error) {
	ip, err := w.publicIP(ctx)
	if err != nil {
		return nil, err
	}
	return w.eachApp(func(app config.App) []finding {
		own, parameter, err := w.ownCertificate(ctx, app)
		switch refused := w.refusedCertificate(ctx, app); {
		case refused != "":
			return []finding{failed(app.Name, "fix it; the host checks again within half an hour", "the host rejects it: %s",
				refused)}
		case err != nil:
			return []finding{failed(app.Name, "store the chain again as PEM, leaf certificate first", "%v", err)}
		case own == nil:
			return []finding{passed(app.Name, "none: %s", w.issuerWord())}
		}
		chain, err := w.handshake(ctx, ip, app.Domain)
		if err != nil {
			return []finding{failed(app.Name, "see web.tls first", "%v", err)}
		}
		if !chain[0].Equal(own) {
			return []finding{failed(app.Name, "the host applies it within half an hour; if it does not, read why: "+
				"webstack status --stack "+w.stack, "%s does not serve the certificate in %s", app.Domain, parameter)}
		}
		return []finding{passed(app.Name, "in use, until %s", day(own.NotAfter))}
	}), nil
}

// refusedCertificate returns the host's problem with an app's own certificate or its key, "" for none.
func (w *world) refusedCertificate(ctx context.Context, app config.App) string {
	status, err := w.status(ctx)
	if err != nil {
		return ""
	}
	for _, p := range status.Problems {
		for _, names := range contract.AppCertificateParams(contract.BasePath(w.project, w.stack), app.Name) {
			if p.App == app.Name && (strings.Contains(p.Error, names.Cert) || strings.Contains(p.Error, names.Key)) {
				return p.Error
			}
		}
	}
	return ""
}

// issuerWord says where an app's certificates come from if it has none of its own.
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
