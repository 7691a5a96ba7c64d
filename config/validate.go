package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"webstack/contract"
	"webstack/internal/lazyregexp"
)

// validate checks values against each other and resolves those that depend on others. It skips values that are already
// wrong on their own, so that one mistake gives one line.
func (d *decoder) validate(stack string, in *input) {
	d.resolveInstanceType(stack, &in.Config)
	if prefix, err := netip.ParsePrefix(in.SSHAllowedCidr); err == nil && prefix.Addr().Is6() && !in.EnableIpv6 {
		d.add("sshAllowedCidr", quote(in.SSHAllowedCidr)+" is IPv6, but enableIpv6 is false", "an IPv4 network")
	}
	if in.EnableDns && in.CloudflareAPIToken == "" && !d.sealed[cloudflareAPIToken] && !d.bad[cloudflareAPIToken] {
		d.add(cloudflareAPIToken, "is missing, but enableDns is true", "a token; set it with "+
			"pulumi config set --secret cloudflare:apiToken")
	}
	d.validateNotify(&in.Config)
	d.resolveActiveApp(&in.Config)
	for i := range in.Apps {
		d.validateApp(stack, &in.Config, &in.Apps[i])
	}
	d.validateUnique(in.Apps)
	d.validateConnections(&in.Config)
	mergeEnvs(d, "appEnvPlain", in.Apps, in.envPlain, func(a *App) map[string]string { return a.EnvPlain })
	mergeEnvs(d, "appEnvSecure", in.Apps, in.envSecure, func(a *App) map[string]Secret { return a.EnvSecure })
	for _, app := range in.Apps {
		for _, name := range slices.Sorted(maps.Keys(app.EnvSecure)) {
			if _, both := app.EnvPlain[name]; both {
				d.add(join(join("appEnvSecure", app.Name), name), "is also in appEnvPlain", "one of the two")
			}
		}
	}
}

func (d *decoder) resolveInstanceType(stack string, c *Config) {
	if c.InstanceType != LocalStack {
		return
	}
	if stack != LocalStack {
		d.add("instanceType", `"local" is only for the stack local`, "a Nitro instance type such as t4g.small or t3.small")
	}
	c.InstanceType = localInstanceType()
}

// validateNotify checks that Resend has a sender and a receiver.
func (d *decoder) validateNotify(c *Config) {
	if c.ResendAPIKey == "" && !d.sealed["resendApiKey"] {
		if c.ResendFrom != "" && !d.bad["resendApiKey"] {
			d.add("resendFrom", "is set, but resendApiKey is not", "no resendFrom, or a resendApiKey as well")
		}
		return
	}
	for _, needed := range []struct{ key, value string }{{"resendFrom", c.ResendFrom}, {"alarmEmail", c.AlarmEmail}} {
		if needed.value == "" && !d.bad[needed.key] {
			d.add(needed.key, "is missing, but resendApiKey is set", "an e-mail address")
		}
	}
}

func (d *decoder) resolveActiveApp(c *Config) {
	names := appNames(c.Apps)
	switch {
	case d.bad["apps"]:
	case c.ActiveApp == "" && len(names) > 0:
		c.ActiveApp = names[0]
	case c.ActiveApp != "" && !slices.Contains(names, c.ActiveApp):
		allowed := "the name of an app; there are none"
		if len(names) > 0 {
			allowed = strings.Join(names, ", ")
		}
		d.add("activeApp", quote(c.ActiveApp)+" is not an app"+didYouMean(c.ActiveApp, names), allowed)
	}
}

func appNames(apps []App) []string {
	names := make([]string, 0, len(apps))
	for _, app := range apps {
		names = append(names, app.Name)
	}
	return names
}

func (d *decoder) validateApp(stack string, c *Config, app *App) {
	path := join("apps", app.Name)
	database := strings.ReplaceAll(app.Name, "-", "_")
	for _, taken := range []struct{ key, name string }{
		{"postgresDefaultDb", c.PostgresDefaultDb}, {"postgresUser", c.PostgresUser},
	} {
		if !d.bad[path] && (taken.name == app.Name || taken.name == database) {
			d.add(path, "is also the value of "+taken.key, "another app name, or another "+taken.key)
		}
	}
	d.validateZone(path, c, app)
	d.validateCertificates(path, c, app)
	if app.CfProxied && app.CfTtl != 1 && !d.bad[path+".cfTtl"] {
		d.add(path+".cfTtl", strconv.Itoa(app.CfTtl)+" is not 1, but cfProxied is true", "1")
	}
	d.validateGithub(path, app)
	if app.RepoName == "" {
		app.RepoName = defaultRepoName(stack, app.Name)
	}
}

// validateConnections checks that Postgres has the connections that the apps ask for. The limit of an external one is
// unknown.
func (d *decoder) validateConnections(c *Config) {
	usable, sum := c.PostgresConnections()-contract.ReservedConnections, 0
	for _, app := range c.Apps {
		if app.DbConnections == 0 || c.EnableExternalPostgres || d.bad["instanceType"] {
			continue
		}
		if sum += app.DbConnections; sum > usable {
			d.add(join("apps", app.Name)+".dbConnections", fmt.Sprintf("%d makes %d for all apps together, more than "+
				"Postgres on a %s has for them", app.DbConnections, sum, c.InstanceType), fmt.Sprintf("%d for all apps together", usable))
		}
	}
}

// validateGithub checks that both IDs are set or none, and only together with their repository.
func (d *decoder) validateGithub(path string, app *App) {
	owner, repo := path+".githubOwnerId", path+".githubRepoId"
	switch {
	case app.GithubOwnerID == 0 && app.GithubRepoID == 0, d.bad[owner], d.bad[repo]:
	case app.GithubRepo == "":
		if !d.bad[path+".githubRepo"] {
			d.add(path+".githubRepo", "is missing, but its IDs are set", "the repository with these IDs")
		}
	case app.GithubOwnerID == 0:
		d.add(owner, "is missing, but githubRepoId is set", "both IDs or none")
	case app.GithubRepoID == 0:
		d.add(repo, "is missing, but githubOwnerId is set", "both IDs or none")
	}
}

var notRepoName = lazyregexp.New(`[^a-z0-9]+`)

// defaultRepoName returns a name that differs between the stacks of an account.
func defaultRepoName(stack, app string) string {
	prefix := notRepoName.ReplaceAllString(strings.ToLower(Namespace+"-"+stack), "-")
	return strings.Trim(prefix, "-") + "/" + app
}

// validateZone checks that the app's names are in its zone, and resolves the name of its record.
func (d *decoder) validateZone(path string, c *Config, app *App) {
	if app.Zone == "" {
		switch {
		case d.bad[path+".zone"]:
		case c.EnableDns:
			d.add(path+".zone", "is missing, but enableDns is true", "the Cloudflare zone of the domain")
		case app.RecordName != "":
			d.add(path+".recordName", "is set, but zone is not", "no recordName, or a zone as well")
		}
		return
	}
	for i, alias := range app.Aliases {
		if at := aliasPath(path, i); !d.bad[at] && !inZone(alias, app.Zone) {
			d.add(at, quote(alias)+" is not in zone "+app.Zone, "a name that ends in ."+app.Zone)
		}
	}
	if app.Domain == "" {
		return
	}
	if !inZone(app.Domain, app.Zone) {
		d.add(path+".domain", quote(app.Domain)+" is not in zone "+app.Zone,
			"the zone itself or a name that ends in ."+app.Zone)
		return
	}
	record := RecordName(app.Domain, app.Zone)
	if app.RecordName != "" && app.RecordName != record {
		d.add(path+".recordName", quote(app.RecordName)+" does not follow from domain and zone", record)
	}
	app.RecordName = record
}

func inZone(domain, zone string) bool { return domain == zone || strings.HasSuffix(domain, "."+zone) }

// RecordName returns the name of domain within zone, "@" at the apex. The domain must be in the zone.
func RecordName(domain, zone string) string {
	if domain == zone {
		return "@"
	}
	return strings.TrimSuffix(domain, "."+zone)
}

func aliasPath(path string, i int) string { return path + ".aliases[" + strconv.Itoa(i) + "]" }

// privateDomains are the top-level domains for which no public authority issues certificates.
var privateDomains = []string{"localhost", "local", "internal", "test", "example", "invalid", "lan", "home.arpa"}

func (d *decoder) validateCertificates(path string, c *Config, app *App) {
	if c.Acme != "letsencrypt" && c.Acme != "staging" || d.bad["acme"] {
		return
	}
	check := func(at, domain string) {
		isPrivate := slices.ContainsFunc(privateDomains, func(top string) bool { return inZone(domain, top) })
		if isPrivate && !d.bad[at] {
			d.add(at, quote(domain)+" cannot get a certificate from Let's Encrypt", "a public name, or acme: internal")
		}
	}
	check(path+".domain", app.Domain)
	for i, alias := range app.Aliases {
		check(aliasPath(path, i), alias)
	}
}

// validateUnique checks the values that only one app may have.
func (d *decoder) validateUnique(apps []App) {
	domains, repos := map[string]string{}, map[string]string{}
	claim := func(owners map[string]string, at, value string) {
		if value == "" || d.bad[at] {
			return
		}
		if owner, taken := owners[value]; taken {
			d.add(at, quote(value)+" is already "+owner, "a name used once in the stack")
			return
		}
		owners[value] = at
	}
	for _, app := range apps {
		claim(domains, join("apps", app.Name)+".domain", app.Domain)
		claim(repos, join("apps", app.Name)+".repoName", app.RepoName)
	}
	for _, app := range apps {
		for i, alias := range app.Aliases {
			claim(domains, aliasPath(join("apps", app.Name), i), alias)
		}
	}
}

// mergeEnvs adds the environments of one key to their apps.
func mergeEnvs[V any](d *decoder, key string, apps []App, envs map[string]map[string]V, of func(*App) map[string]V) {
	for _, name := range slices.Sorted(maps.Keys(envs)) {
		i := slices.IndexFunc(apps, func(a App) bool { return a.Name == name })
		if i < 0 {
			if !d.bad["apps"] {
				d.add(join(key, name), "is not an app"+didYouMean(name, appNames(apps)), "the name of an app under apps")
			}
			continue
		}
		maps.Copy(of(&apps[i]), envs[name])
	}
}
