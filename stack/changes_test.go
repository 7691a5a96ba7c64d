package stack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"webstack/config"
	"webstack/internal/golden"
	"webstack/internal/pulumitest"
)

// change is another value of a key, "" for none, on a stack with everything unless it says otherwise.
type change struct {
	value string
	from  func(shape) shape
}

// app is the app shop of the shape everything with a field more, or another one.
func app(field string) string {
	const others = `, "blog": {"domain": "blog.example.org", "zone": "example.org", "cfTtl": 300, "githubRepo": "acme/blog"},
		"wiki": {"domain": "wiki.example.org", "zone": "example.org", "repoName": "acme/wiki"}}`
	fields := map[string]string{
		"domain": `"example.com"`, "zone": `"example.com"`, "aliases": `["www.example.com"]`, "cfProxied": "true",
		"githubRepo": `"acme/shop"`, "githubOwnerId": "11", "githubRepoId": "22",
	}
	for part := range strings.SplitSeq(field, "; ") {
		if name, value, ok := strings.Cut(part, " "); ok {
			fields[name] = value
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		list = append(list, fmt.Sprintf("%q: %s", name, fields[name]))
	}
	return `{"shop": {` + strings.Join(list, ", ") + "}" + others
}

// container has Postgres on the host.
func container(s shape) shape { return s.with("webstack:enableExternalPostgres", "") }

// changes has another value for every key.
var changes = map[string]change{
	"webstack:instanceType":           {value: "m7i.xlarge"},
	"webstack:useEip":                 {value: "false"},
	"webstack:rootVolumeSize":         {value: "32"},
	"webstack:dataVolumeSize":         {value: "200", from: container},
	"webstack:stackDir":               {value: "/srv/webstack"},
	"webstack:sshAllowedCidr":         {value: "198.51.100.0/24"},
	"webstack:vpcCidr":                {value: "10.30.0.0/16"},
	"webstack:natMode":                {value: "none"},
	"webstack:enableIpv6":             {value: "false"},
	"webstack:amiId":                  {value: "ami-0123456789abcdef1"},
	"webstack:postgresUser":           {value: "owner"},
	"webstack:postgresPassword":       {value: canary + "another"},
	"webstack:postgresDefaultDb":      {value: "main"},
	"webstack:enableExternalPostgres": {value: "false"},
	"webstack:apps":                   {value: strings.Replace(app(""), `, "blog"`, `, "new"`, 1)},
	"webstack:appEnvPlain":            {value: `{"shop": {"LOG_LEVEL": "debug"}}`},
	"webstack:appEnvSecure":           {value: `{"shop": {"API_KEY": "` + canary + `other"}}`},
	"webstack:activeApp":              {value: "wiki"},
	"webstack:caddyEmail":             {value: "ops@example.com"},
	"webstack:accessLog":              {value: "full"},
	"webstack:acme":                   {value: "staging"},
	"webstack:enablePgDumpToS3":       {value: "false"},
	"webstack:dbBackupBucketName":     {value: "acme-other-backups"},
	"webstack:backupSchedule":         {value: "weekly"},
	"webstack:backupRetentionDays":    {value: "14"},
	"webstack:alarmEmail":             {value: "alarms@example.com"},
	"webstack:slackWebhookUrl":        {value: "https://hooks.slack.com/services/" + canary + "other"},
	"webstack:resendApiKey":           {value: "re_" + canary + "other"},
	"webstack:resendFrom":             {value: "host@example.com"},
	"webstack:enableDns":              {value: "false"},
	"cloudflare:apiToken":             {value: canary + "cloudflarecloudflarecloudflare2"},
	"webstack:githubOidcProviderArn":  {value: ""},
	"aws:region":                      {value: "eu-central-1"},
	"aws:profile":                     {value: "acme"},
	"aws:assumeRole":                  {value: `{"roleArn": "arn:aws:iam::123456789012:role/webstack"}`},
	"aws:allowedAccountIds":           {value: `["123456789012"]`},
	"aws:s3UsePathStyle":              {value: "true"},
	"aws:skipCredentialsValidation":   {value: "true"},
	"aws:skipMetadataApiCheck":        {value: "true"},
}

// fieldChanges has another value for every field of an app.
var fieldChanges = map[string]string{
	"domain": `domain "shop.example.com"`, "zone": `zone "example.org"; domain "shop.example.org"; aliases []`,
	"recordName": `recordName "@"`, "aliases": `aliases []`, "cfProxied": "cfProxied false",
	"cfTtl": "cfProxied false; cfTtl 600", "repoName": `repoName "acme/store"`, "githubRepo": `githubRepo "acme/store"`,
	"githubBranch": `githubBranch "live"`, "githubOwnerId": "githubOwnerId 12", "githubRepoId": "githubRepoId 23",
	"containerPort": "containerPort 3000", "healthPath": `healthPath "/up"`, "memoryMb": "memoryMb 512",
	"dbConnections": "dbConnections 20", "init": "init false", "startTimeoutSeconds": "startTimeoutSeconds 300",
	"releaseCommand": `releaseCommand ["bin/migrate"]`, "releaseTimeoutSeconds": `releaseCommand ["a"]; releaseTimeoutSeconds 60`,
	"drainTimeoutSeconds": "drainTimeoutSeconds 60", "stopGraceSeconds": "stopGraceSeconds 20",
}

// replacing are the inputs whose change makes AWS or Cloudflare make another one of the resource.
var replacing = []string{
	"aws:ec2/vpc:Vpc cidrBlock", "aws:ec2/subnet:Subnet cidrBlock", "aws:ec2/instance:Instance ami",
	"aws:rds/instance:Instance username", "aws:rds/instance:Instance dbName", "aws:s3/bucketV2:BucketV2 bucket",
	"aws:ecr/repository:Repository name", "cloudflare:index/record:Record name", "cloudflare:index/record:Record zoneId",
	"cloudflare:index/record:Record type", "pulumi:providers:aws region",
}

// TestChangeOfEachKey shows what the change of each key does to the resources. Whoever adds a key says it here, and in the
// table changes of package config.
func TestChangeOfEachKey(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, key := range config.Keys() {
		c, ok := changes[key.FullName()]
		if !ok || key.Change == "" {
			t.Errorf("%s: nothing says what its change does", key.FullName())
			continue
		}
		base := everything()
		if c.from != nil {
			base = c.from(base)
		}
		write(t, &text, key.FullName(), base, base.with(key.FullName(), c.value))
	}
	for _, key := range config.AppFields() {
		field, ok := fieldChanges[key.Name]
		if !ok || key.Change == "" {
			t.Errorf("apps.shop.%s: nothing says what its change does", key.Name)
			continue
		}
		base := container(everything())
		if key.Name == "cfTtl" {
			base = base.with("webstack:apps", app("cfProxied false"))
		}
		write(t, &text, "apps.shop."+key.Name, base, base.with("webstack:apps", app(field)))
	}
	golden.Compare(t, []byte(text.String()), ".txt")
}

func write(t *testing.T, text *strings.Builder, key string, before, after shape) {
	t.Helper()
	fmt.Fprintf(text, "%s\n", key)
	effects := difference(before.run(t), after.run(t))
	if len(effects) == 0 {
		effects = []string{"nothing"}
	}
	for _, effect := range effects {
		fmt.Fprintf(text, "  %s\n", effect)
	}
}

// difference lists what the second run has more (+), less (-), changes in place (~) or replaces (±), by type.
func difference(before, after *pulumitest.Recorder) []string {
	type id struct{ kind, name string }
	index := func(r *pulumitest.Recorder) map[id]pulumitest.Resource {
		all := map[id]pulumitest.Resource{}
		for _, found := range r.All() {
			all[id{found.Type, found.Name}] = found
		}
		return all
	}
	old, news := index(before), index(after)
	effects := map[string]bool{}
	for key, found := range news {
		was, ok := old[key]
		if !ok {
			effects["+ "+key.kind] = true
			continue
		}
		if strings.HasPrefix(key.kind, "webstack:") { // a component has no life of its own
			continue
		}
		for property := range merged(was.Inputs, found.Inputs) {
			if was.Inputs[property].DeepEquals(found.Inputs[property]) {
				continue
			}
			effect := key.kind + " " + string(property)
			if sign := "~ "; slices.Contains(replacing, effect) {
				effects["± "+effect] = true
			} else {
				effects[sign+effect] = true
			}
		}
	}
	for key := range old {
		if _, ok := news[key]; !ok {
			effects["- "+key.kind] = true
		}
	}
	return slices.SortedFunc(maps.Keys(effects), func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Fields(a)[1], strings.Fields(b)[1]), cmp.Compare(a, b))
	})
}

func merged(a, b resource.PropertyMap) resource.PropertyMap {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
