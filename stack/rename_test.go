package stack

import (
	"strings"
	"testing"

	"webstack/internal/pulumitest"
)

// nameProperties are the inputs that make up the name by which AWS or Cloudflare know a resource, by type. There is one
// of each name: a second one cannot be made before the first is gone. Types that are not listed are named by AWS, by
// Pulumi, or by the resource that they belong to.
var nameProperties = map[string][]string{
	"aws:ecr/repository:Repository":           {"name"},
	"aws:ecr/lifecyclePolicy:LifecyclePolicy": {"repository"},
	"aws:iam/role:Role":                       {"name"},
	"aws:iam/policy:Policy":                   {"name"},
	"aws:iam/instanceProfile:InstanceProfile": {"name"},
	"aws:iam/rolePolicy:RolePolicy":           {"role", "name"},
	"aws:kms/alias:Alias":                     {"name"},
	"aws:s3/bucketV2:BucketV2":                {"bucket"},
	"aws:s3/bucketObjectv2:BucketObjectv2":    {"bucket", "key"},
	"aws:ssm/document:Document":               {"name"},
	"aws:ssm/association:Association":         {"associationName"},
	"aws:ssm/parameter:Parameter":             {"name"},
	"aws:rds/instance:Instance":               {"identifier"},
	"cloudflare:index/record:Record":          {"zoneId", "name", "type"},
}

// namesOutside are the resources of a run by their names outside of Pulumi. Two of one name are an error.
func namesOutside(t *testing.T, r *pulumitest.Recorder) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, found := range r.All() {
		properties, ok := nameProperties[found.Type]
		if !ok {
			continue
		}
		name := found.Type
		for _, property := range properties {
			name += " " + found.Text(property)
		}
		if name == found.Type+strings.Repeat(" ", len(properties)) {
			continue // Pulumi names it
		}
		if other, taken := out[name]; taken {
			t.Errorf("%s and %s are both %s", other, found.Name, name)
		}
		out[name] = found.Name
	}
	return out
}

// TestNamesStayWithTheirResources changes configs in ways that hand names on from one app to another. Pulumi makes a
// resource before it removes another, so a name that goes from one resource to another would be refused half way.
func TestNamesStayWithTheirResources(t *testing.T) {
	t.Parallel()
	const (
		shop = `{"domain": "example.com", "zone": "example.com", "aliases": ["www.example.com"], "cfProxied": true,
			"githubRepo": "acme/shop", "githubOwnerId": 11, "githubRepoId": 22, "repoName": "acme/shop"}`
		blog = `{"domain": "blog.example.org", "zone": "example.org", "cfTtl": 300, "githubRepo": "acme/blog",
			"repoName": "acme/blog"}`
	)
	change := func(app string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(app) }
	apps := func(pairs ...string) shape {
		var parts []string
		for i := 0; i < len(pairs); i += 2 {
			parts = append(parts, `"`+pairs[i]+`": `+pairs[i+1])
		}
		return everything().with("webstack:apps", "{"+strings.Join(parts, ", ")+"}", "webstack:appEnvPlain", "",
			"webstack:appEnvSecure", "", "webstack:activeApp", "")
	}
	before := namesOutside(t, apps("shop", shop, "blog", blog).run(t))
	for name, after := range map[string]shape{
		"an app is renamed and keeps its repository": apps("store", shop, "blog", blog),
		"two apps swap their names":                  apps("blog", shop, "shop", blog),
		"two apps swap their repositories": apps(
			"shop", change(shop, "acme/shop", "acme/blog"), "blog", change(blog, "acme/blog", "acme/shop")),
		"two apps swap their domains": apps(
			"shop", change(shop, `"example.com"`, `"blog.example.org"`, `"www.example.com"`, `"www.blog.example.org"`,
				`"zone": "example.com"`, `"zone": "example.org"`),
			"blog", change(blog, `"blog.example.org"`, `"example.com"`, `"zone": "example.org"`, `"zone": "example.com"`)),
		"a domain becomes an alias and an alias the domain": apps(
			"shop", change(shop, `"domain": "example.com"`, `"domain": "www.example.com"`, `["www.example.com"]`,
				`["example.com"]`), "blog", blog),
		"an alias goes to another app": apps("shop", change(shop, `"aliases": ["www.example.com"],`, ""),
			"blog", `{"domain": "blog.example.com", "zone": "example.com", "aliases": ["www.example.com"]}`),
		"an app goes, and another takes its repository and domain": apps("blog", shop),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for physical, resource := range namesOutside(t, after.run(t)) {
				if was, existed := before[physical]; existed && was != resource {
					t.Errorf("%s was %s and is now %s", physical, was, resource)
				}
			}
		})
	}
}
