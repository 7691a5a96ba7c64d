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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

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
			if own, _, _ := w.ownCertificate(ctx, app); own != nil && name == app.Domain {
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

// limited ends a question that gets no answer.
func (w *world) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, w.limit, fmt.Errorf("no answer within %s", w.limit))
}

// handshake returns the chain that the host shows for a name. It is verified by whoever asked for it.
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

// ownCertificate is the app's own certificate in Parameter Store, nil when there is none, and the name of its parameter.
// Its key is never read.
func (w *world) ownCertificate(ctx context.Context, app config.App) (*x509.Certificate, string, error) {
	for _, place := range contract.AppCertificateParams(contract.BasePath(w.project, w.stack), app.Name) {
		name := place.Cert
		answer, err := w.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if operate.HasCode(err, "ParameterNotFound") {
			continue
		}
		if err != nil {
			return nil, name, operate.Explain("read "+name, err)
		}
		block, _ := pem.Decode([]byte(aws.ToString(answer.Parameter.Value)))
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
			return []finding{failed(app.Name, "mend it; the host looks again within half an hour", "the host does not take it: %s", refused)}
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
				"webstack status --stack "+w.stack, "%s shows another certificate than %s", app.Domain, parameter)}
		}
		return []finding{passed(app.Name, "in use, until %s", day(own.NotAfter))}
	}), nil
}

// refusedCertificate is what the host found wrong with an app's own certificate or its key, "" for nothing.
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
