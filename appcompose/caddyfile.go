package appcompose

import (
	"slices"

	"webstack/config"
	"webstack/templates"
)

// The values of acme in the config that are no URL.
const (
	acmeLetsEncrypt = "letsencrypt"
	acmeStaging     = "staging"
	acmeInternal    = "internal"
)

// stagingCA is Let's Encrypt's directory for trying things out. It has generous limits; browsers do not trust it.
const stagingCA = "https://acme-staging-v02.api.letsencrypt.org/directory"

// Snippets of the Caddyfile that get a certificate without the operator's help.
const (
	issuerACME        = "acme"
	issuerACMEProxied = "acme-proxied"
	issuerInternal    = "internal"
)

func renderCaddyfile(c *config.Config) ([]byte, error) {
	data := templates.Caddyfile{Email: c.CaddyEmail, StrictTransport: c.Acme == acmeLetsEncrypt, AccessLog: c.AccessLog}
	switch c.Acme {
	case acmeLetsEncrypt, acmeInternal:
	case acmeStaging:
		data.ACMECA = stagingCA
	default:
		data.ACMECA = c.Acme
	}
	data.TrustedProxies = proxies(c)
	for _, app := range c.Apps {
		if app.Name == c.ActiveApp {
			data.ActiveApp, data.ActiveDomain = app.Name, app.Domain
		}
		data.Apps = append(data.Apps, templates.CaddyApp{
			Name: app.Name, Domain: app.Domain, Issuer: issuer(c.Acme, app.CfProxied), Proxied: app.CfProxied,
			Aliases: slices.Sorted(slices.Values(app.Aliases)),
		})
	}
	return data.Text()
}

// proxies are the networks of Cloudflare's proxies, where an app is behind them.
func proxies(c *config.Config) []string {
	if slices.ContainsFunc(c.Apps, func(app config.App) bool { return app.CfProxied }) {
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
