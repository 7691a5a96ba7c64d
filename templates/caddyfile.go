package templates

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"text/template"
)

//go:embed Caddyfile.tmpl
var caddyfileText string

var caddyfile = template.Must(template.New("Caddyfile").
	Option("missingkey=error").
	Funcs(template.FuncMap{"token": token}).
	Parse(caddyfileText))

// Caddyfile is the data of a stack's Caddyfile. Every string is written as one token, see Text.
type Caddyfile struct {
	// Email is the address of the ACME account; "" = an account without one.
	Email string
	// ACMECA is the URL of the ACME directory; "" = Let's Encrypt's production directory.
	ACMECA string
	// TrustedProxies are the CIDRs whose forwarding headers are trusted for Proxied apps; none if no app is Proxied.
	TrustedProxies []string
	// StrictTransport tells browsers to use only https for the apps' domains. Do not set it for certificates that
	// browsers do not trust: they would refuse the domain with no way to continue.
	StrictTransport bool
	// AccessLog says what is logged of each request: "redacted" leaves out what may be secret, "full" leaves out only
	// cookies and credentials, "off" logs no requests, only errors, which are redacted.
	AccessLog string
	// ActiveApp is the name of the app that answers at the bare IP address; "" only without apps.
	ActiveApp string
	// ActiveDomain is the domain of ActiveApp, ActivePort the port that its container listens on.
	ActiveDomain string
	ActivePort   int
	// Apps each get a virtual host, in this order.
	Apps []CaddyApp
}

// CaddyApp is a virtual host and the aliases that redirect to it.
type CaddyApp struct {
	// Name is the app's name. The files tls/<Name>/Caddyfile and sites/<Name> on the host complete its virtual host.
	Name string
	// Port is the port that its container listens on.
	Port int
	// Domain is the host name of the virtual host.
	Domain string
	// Issuer is the template's snippet for a certificate that Caddy obtains itself: acme, acme-proxied or internal.
	Issuer string
	// Proxied is true for an app behind Cloudflare: TrustedProxies then say who the visitor is.
	Proxied bool
	// Aliases are host names that redirect to Domain.
	Aliases []string
}

// Text fills in the template. It fails if a value contains a character that could end its token in a Caddyfile:
// allowed are letters, digits and "._~:/?&=%@+,-".
func (c Caddyfile) Text() ([]byte, error) {
	var out bytes.Buffer
	if err := caddyfile.Execute(&out, c); err != nil {
		return nil, fmt.Errorf("fill in Caddyfile: %w", err)
	}
	return out.Bytes(), nil
}

var tokenRE = regexp.MustCompile(`^[A-Za-z0-9._~:/?&=%@+,-]+$`)

// token returns a value that has no special meaning in a Caddyfile: no space, quote, brace, "#", "$" or new line.
func token(s string) (string, error) {
	if !tokenRE.MatchString(s) {
		return "", fmt.Errorf("%q cannot be used in a Caddyfile: allowed are letters, digits and ._~:/?&=%%@+,-", s)
	}
	return s, nil
}
