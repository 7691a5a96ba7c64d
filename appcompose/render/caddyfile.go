package render

import (
	"slices"

	"webstack/templates"
)

// The values of acme in the config that are not a URL.
const (
	acmeLetsEncrypt = "letsencrypt"
	acmeStaging     = "staging"
	acmeInternal    = "internal"
)

// stagingCA is Let's Encrypt's test directory. It has generous limits; browsers do not trust it.
const stagingCA = "https://acme-staging-v02.api.letsencrypt.org/directory"

// Snippets of the Caddyfile that obtain a certificate automatically.
const (
	issuerACME        = "acme"
	issuerACMEProxied = "acme-proxied"
	issuerInternal    = "internal"
)

func renderCaddyfile(in Input) ([]byte, error) {
	data := templates.Caddyfile{Email: in.CaddyEmail, StrictTransport: in.Acme == acmeLetsEncrypt, AccessLog: in.AccessLog}
	switch in.Acme {
	case acmeLetsEncrypt, acmeInternal:
	case acmeStaging:
		data.ACMECA = stagingCA
	default:
		data.ACMECA = in.Acme
	}
	data.TrustedProxies = proxies(in.Apps)
	for _, app := range in.Apps {
		if app.Name == in.ActiveApp {
			data.ActiveApp, data.ActiveDomain, data.ActivePort = app.Name, app.Domain, app.Port
		}
		data.Apps = append(data.Apps, templates.CaddyApp{
			Name: app.Name, Port: app.Port, Domain: app.Domain, Issuer: issuer(in.Acme, app.Proxied), Proxied: app.Proxied,
			Aliases: slices.Sorted(slices.Values(app.Aliases)),
		})
	}
	return data.Text()
}

// proxies returns the networks of Cloudflare's proxies, if an app is behind them.
func proxies(apps []App) []string {
	if slices.ContainsFunc(apps, func(app App) bool { return app.Proxied }) {
		return cloudflareRanges
	}
	return nil
}

func issuer(acme string, proxied bool) string {
	switch {
	case acme == acmeInternal:
		return issuerInternal
	case proxied:
		return issuerACMEProxied
	}
	return issuerACME
}
