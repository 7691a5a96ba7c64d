package stack

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"webstack/internal/pulumitest"
	"webstack/internal/stackfile"
)

// shape is a stack config that gives the program a shape of its own.
type shape struct {
	stack      string
	values     map[string]string
	secretKeys []string
}

// canary is a part of every secret of the shape everything.
const canary = "canary0123456789"

func shapes(t *testing.T) map[string]shape {
	t.Helper()
	local := fromFile(t, "local")
	// As the type of stack local depends on the machine, the golden files would, too.
	local.values["webstack:instanceType"] = "t4g.small"
	return map[string]shape{
		"minimal":    {stack: "test", values: map[string]string{"aws:region": pulumitest.Region}},
		"dev":        fromFile(t, "dev"),
		"local":      local,
		"everything": everything(),
	}
}

// fromFile is the stack that a file of this repository describes.
func fromFile(t *testing.T, stack string) shape {
	t.Helper()
	file, err := stackfile.Read("..", stack, "webstack-local")
	if err != nil {
		t.Fatal(err)
	}
	return shape{stack: stack, values: file.Values, secretKeys: file.SecretKeys}
}

// everything turns on what is off by default.
func everything() shape {
	return shape{
		stack: "prod",
		values: map[string]string{
			"aws:region":                      pulumitest.Region,
			"cloudflare:apiToken":             canary + "cloudflarecloudflarecloudflare",
			"webstack:instanceType":           "m7i.large",
			"webstack:useEip":                 "true",
			"webstack:enableIpv6":             "true",
			"webstack:sshAllowedCidr":         "203.0.113.0/24",
			"webstack:natMode":                "gateway",
			"webstack:amiId":                  "ami-0123456789abcdef0",
			"webstack:enableExternalPostgres": "true",
			"webstack:postgresPassword":       canary + "postgres",
			"webstack:dbBackupBucketName":     "acme-backups",
			"webstack:backupSchedule":         "hourly",
			"webstack:backupRetentionDays":    "90",
			"webstack:enableDns":              "true",
			"webstack:alarmEmail":             "ops@example.com",
			"webstack:slackWebhookUrl":        "https://hooks.slack.com/services/" + canary + "slack",
			"webstack:resendApiKey":           "re_" + canary + "resend",
			"webstack:resendFrom":             "webstack@example.com",
			"webstack:activeApp":              "shop",
			"webstack:githubOidcProviderArn": "arn:aws:iam::" + pulumitest.AccountID +
				":oidc-provider/token.actions.githubusercontent.com",
			"webstack:apps": `{
				"shop": {"domain": "example.com", "zone": "example.com", "aliases": ["www.example.com"],
					"cfProxied": true, "githubRepo": "acme/shop", "githubOwnerId": 11, "githubRepoId": 22},
				"blog": {"domain": "blog.example.org", "zone": "example.org", "cfTtl": 300, "githubRepo": "acme/blog"},
				"wiki": {"domain": "wiki.example.org", "zone": "example.org", "repoName": "acme/wiki"}}`,
			"webstack:appEnvPlain":  `{"shop": {"LOG_LEVEL": "info"}}`,
			"webstack:appEnvSecure": `{"shop": {"API_KEY": "` + canary + `key", "PEM": "` + canary + `\nline\n"}}`,
		},
		secretKeys: []string{
			"cloudflare:apiToken", "webstack:postgresPassword", "webstack:appEnvSecure", "webstack:slackWebhookUrl",
			"webstack:resendApiKey",
		},
	}
}

// with returns the shape with further values; an empty one removes the key.
func (s shape) with(pairs ...string) shape {
	s.values = maps.Clone(s.values)
	for i := 0; i < len(pairs); i += 2 {
		s.values[pairs[i]] = pairs[i+1]
		if pairs[i+1] == "" {
			delete(s.values, pairs[i])
		}
	}
	return s
}

// program is the program on the shape's config, with a host program that is quickly built.
func (s shape) program(t *testing.T) Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webstackctl")
	if err := os.WriteFile(path, []byte("host program"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Options{
		Config:    s.values,
		BuildHost: func(context.Context, string, string) (string, error) { return path, nil },
	}
}

// options run the program on a made-up account with three zones, of which two offer every instance type.
func (s shape) options() pulumitest.Options {
	return pulumitest.Options{
		Stack: s.stack, SecretKeys: s.secretKeys, Outputs: pulumitest.AWSOutputs,
		Invokes: map[string]func(resource.PropertyMap) resource.PropertyMap{
			"aws:index/getCallerIdentity:getCallerIdentity": answer("accountId", pulumitest.AccountID),
			"aws:ssm/getParameter:getParameter":             answer("insecureValue", "ami-0aaaaaaaaaaaaaaaa"),
			"aws:index/getAvailabilityZones:getAvailabilityZones": answer(
				"names", "us-east-1a", "us-east-1b", "us-east-1e"),
			"aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": answer(
				"locations", "us-east-1e", "us-east-1a"),
			"cloudflare:index/getZone:getZone": func(args resource.PropertyMap) resource.PropertyMap {
				return resource.PropertyMap{"id": resource.NewProperty("zone-of-" + args["name"].StringValue())}
			},
		},
	}
}

// answer is an invoke's answer with one property, a list when there are several values.
func answer(key string, values ...string) func(resource.PropertyMap) resource.PropertyMap {
	value := resource.NewProperty(values[0])
	if len(values) > 1 {
		list := make([]resource.PropertyValue, len(values))
		for i, v := range values {
			list[i] = resource.NewProperty(v)
		}
		value = resource.NewProperty(list)
	}
	return func(resource.PropertyMap) resource.PropertyMap {
		return resource.PropertyMap{resource.PropertyKey(key): value}
	}
}

// run runs the program for real.
func (s shape) run(t *testing.T) *pulumitest.Recorder {
	t.Helper()
	return pulumitest.MustRun(t, Program(s.program(t)), s.options())
}

// preview runs the program as a preview.
func (s shape) preview(t *testing.T) *pulumitest.Recorder {
	t.Helper()
	options := s.options()
	options.DryRun = true
	return pulumitest.MustRun(t, Program(s.program(t)), options)
}

// eachShape checks every shape, as a preview and for real.
func eachShape(t *testing.T, check func(t *testing.T, r *pulumitest.Recorder)) {
	t.Helper()
	all := shapes(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for run, of := range map[string]func(shape, *testing.T) *pulumitest.Recorder{
			"preview": shape.preview, "up": shape.run,
		} {
			t.Run(name+"/"+run, func(t *testing.T) {
				t.Parallel()
				check(t, of(all[name], t))
			})
		}
	}
}

// eachRealRun checks every shape as it is for real, when all values are known.
func eachRealRun(t *testing.T, check func(t *testing.T, r *pulumitest.Recorder)) {
	t.Helper()
	all := shapes(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, all[name].run(t))
		})
	}
}

// byPrefix returns the resources of a package or module, such as "aws:iam/".
func byPrefix(r *pulumitest.Recorder, prefix string) []pulumitest.Resource {
	return slices.DeleteFunc(r.All(), func(found pulumitest.Resource) bool {
		return !strings.HasPrefix(found.Type, prefix)
	})
}
