package appcompose

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/appcompose/render"
	"webstack/contract"
	"webstack/internal/golden"
	"webstack/internal/pulumitest"
)

const (
	parameterType = "aws:ssm/parameter:Parameter"
	objectType    = "aws:s3/bucketObjectv2:BucketObjectv2"
	passwordType  = "random:index/randomPassword:RandomPassword"
)

// args are those of a stack of two apps, with a host program on disk.
func args(t *testing.T, edits ...func(*Args)) *Args {
	t.Helper()
	program := filepath.Join(t.TempDir(), "webstackctl")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	shop := app("shop")
	shop.EnvPlain, shop.SecureEnv = map[string]string{"LOG_LEVEL": "info"}, []string{"API_KEY", "STRIPE_KEY"}
	a := &Args{HostProgram: program, Input: render.Input{
		Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: "/opt/webstack", Acme: "letsencrypt",
		InstanceType: "t4g.small", HostMemoryMb: 2048, HostMemoryKnown: true, EdgeSubnet: contract.EdgeSubnet,
		PostgresUser: "postgres", PostgresDefaultDb: "app", PostgresConnections: 102,
		Apps: []render.App{app("blog"), shop}, ActiveApp: "blog",
	}}
	a.Apps[0].Aliases = []string{"www.blog.example.com"}
	a.Secrets = map[string]map[string]pulumi.StringInput{
		"shop": {"API_KEY": pulumi.String("hidden-key"), "STRIPE_KEY": pulumi.String("hidden-stripe")},
	}
	for _, edit := range edits {
		edit(a)
	}
	return a
}

func app(name string) render.App {
	return render.App{
		Name: name, Domain: name + ".example.com",
		Repository: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/webstack-dev/" + name,
		Port:       8080, HealthPath: "/", MemoryMb: 256,
		Init: true, StartTimeoutSeconds: 90, DrainTimeoutSeconds: 30, StopGraceSeconds: 10,
	}
}

func external(a *Args) {
	a.ExternalPostgres = true
	a.PostgresHost = pulumi.String("db.example.com:5432")
	a.PostgresPassword = pulumi.ToSecret(pulumi.String("hidden-given")).(pulumi.StringOutput)
}

// program makes the component as the stack does. made gets it.
func program(a *Args, made *AppCompose) pulumi.RunFunc {
	build := func(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*AppCompose, error) {
		c, err := New(ctx, name, args, opts...)
		if err == nil && made != nil {
			made.ManifestSum, made.ComposeYaml, made.Published = c.ManifestSum, c.ComposeYaml, c.Published
		}
		return c, err
	}
	return pulumitest.Component(build, a, []pulumitest.Provider{pulumitest.AWS, pulumitest.Random}, "webstack-dev")
}

// options run a program as the stack dev, whose generated passwords can be told from other secrets.
var options = pulumitest.Options{Stack: "dev", Outputs: func(r pulumitest.Resource) resource.PropertyMap {
	if r.Type != passwordType {
		return nil
	}
	return resource.PropertyMap{"result": resource.MakeSecret(resource.NewProperty("hidden-generated"))}
}}

func TestNew(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(t), nil), options, func(t *testing.T, r *pulumitest.Recorder) {
		r.CheckShape(t)
		dump := r.Dump(t)
		if bytes.Contains(dump, []byte("hidden")) {
			t.Error("a secret is registered in clear")
		}
		golden.Compare(t, dump, ".json")
	})
}

func TestNewWithExternalPostgres(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(t, external), nil), options, func(t *testing.T, r *pulumitest.Recorder) {
		r.CheckShape(t)
		if bytes.Contains(r.Dump(t), []byte("hidden")) {
			t.Error("a secret is registered in clear")
		}
		host := r.One(t, parameterType, "webstack-dev-postgres-host")
		if host.Text("name") != "/webstack/dev/postgres/host" || host.Text("insecureValue") != "db.example.com:5432" {
			t.Errorf("got %v", host.Inputs)
		}
	})
}

func TestSecretsAreParametersWithTheStacksKey(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(t), nil), options, func(t *testing.T, r *pulumitest.Recorder) {
		var got []string
		for _, p := range r.ByType(parameterType) {
			if name := p.Text("name"); strings.HasSuffix(name, "/release") || strings.HasSuffix(name, "/deploy") {
				continue // no secrets
			}
			if !p.IsSecret("value") {
				t.Errorf("the value of %s is not secret", p.Text("name"))
			}
			got = append(got, p.Text("name"))
			if p.Text("type") != "SecureString" {
				t.Errorf("%s is no SecureString", p.Text("name"))
			}
			// The key's ARN is not known to the mocks, but where it comes from is.
			key := p.Request.GetPropertyDependencies()["keyId"].GetUrns()
			if len(key) != 1 || !strings.HasSuffix(key[0], "aws:kms/key:Key::webstack-dev-secrets") {
				t.Errorf("%s is encrypted with %v", p.Text("name"), key)
			}
		}
		slices.Sort(got)
		want := []string{
			"/webstack/dev/apps/blog/database-password", "/webstack/dev/apps/shop/database-password",
			"/webstack/dev/apps/shop/env/API_KEY", "/webstack/dev/apps/shop/env/STRIPE_KEY",
			"/webstack/dev/postgres/password",
		}
		if !slices.Equal(got, want) {
			t.Errorf("parameters: got %v, want %v", got, want)
		}
		r.Count(t, passwordType, 3)
	})
}

// The parameters with an app's release and its last deploy go with the app, so that an app that is added again begins
// without a past. Their values are the host's, and Pulumi must never write them again.
func TestReleasesBelongToTheirApps(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(t), nil), options, func(t *testing.T, r *pulumitest.Recorder) {
		for _, app := range []string{"blog", "shop"} {
			for last, first := range map[string]string{"release": contract.NoRelease, "deploy": contract.NoDeploy} {
				p := r.One(t, parameterType, "webstack-dev-"+app+"-"+last)
				if p.Text("name") != "/webstack/dev/apps/"+app+"/"+last || p.Text("insecureValue") != first {
					t.Errorf("inputs: %v", p.Inputs)
				}
				for key := range p.Inputs {
					if key != "name" && !slices.Contains(p.Request.GetIgnoreChanges(), string(key)) {
						t.Errorf("%s: a change of %s writes the %s that Pulumi knew last", app, key, last)
					}
				}
				if p.Request.GetRetainOnDelete() || p.Request.GetProtect() {
					t.Errorf("the %s of %s outlives it", last, app)
				}
			}
		}
	})
}

func TestGivenPasswordIsNotGenerated(t *testing.T) {
	t.Parallel()
	r := pulumitest.MustRun(t, program(args(t, external), nil), options)
	p := r.One(t, parameterType, "webstack-dev-postgres-password")
	if p.Text("value") != "hidden-given" || !p.IsSecret("value") {
		t.Errorf("the parameter's value is %q, secret %t", p.Text("value"), p.IsSecret("value"))
	}
	r.Count(t, passwordType, 2)
}

func TestBundle(t *testing.T) {
	t.Parallel()
	a := args(t)
	for name, dry := range map[string]bool{"preview": true, "up": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var made AppCompose
			options := options
			options.DryRun = dry
			r := pulumitest.MustRun(t, program(a, &made), options)
			manifest := r.One(t, objectType, "webstack-dev-manifest")
			content := manifest.Text("content")
			if contract.Sum([]byte(content)) != made.ManifestSum {
				t.Error("ManifestSum is not the sum of the manifest")
			}
			m, err := contract.DecodeManifest([]byte(content))
			if err != nil {
				t.Fatal(err)
			}
			keys := map[string]string{}
			for _, o := range r.ByType(objectType) {
				keys[o.Text("key")] = o.Text("content")
				if o.Name != manifest.Name && !slices.ContainsFunc(manifest.Request.GetDependencies(),
					func(urn string) bool { return strings.HasSuffix(urn, "::"+o.Name) }) {
					t.Errorf("the manifest does not wait for %s", o.Text("key"))
				}
			}
			for _, f := range m.Files {
				text, ok := keys[f.Key()]
				if !ok {
					t.Errorf("there is no object %s", f.Key())
				}
				if f.Path == contract.HostProgramPath {
					text = "program"
				}
				if contract.Sum([]byte(text)) != f.SHA256 {
					t.Errorf("%s has another sum", f.Key())
				}
			}
			if len(keys) != len(m.Files)+1 {
				t.Errorf("%d objects for %d files and the manifest", len(keys), len(m.Files))
			}
			if keys[contract.BundlePrefix+contract.ComposePath] != made.ComposeYaml {
				t.Error("the object is not the rendered compose file")
			}
			if len(made.Published) != len(keys)+len(r.ByType(parameterType)) {
				t.Errorf("%d published resources", len(made.Published))
			}
		})
	}
}

func TestSecretValuesDoNotChangeTheManifest(t *testing.T) {
	t.Parallel()
	sum := func(value string) string {
		var made AppCompose
		a := args(t, func(a *Args) { a.Secrets["shop"]["API_KEY"] = pulumi.String(value) })
		pulumitest.MustRun(t, program(a, &made), options)
		return made.ManifestSum
	}
	if sum("hidden-1") != sum("hidden-2") {
		t.Error("the manifest depends on a secret's value")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit func(*Args)
		want string
	}{
		"no host program":    {func(a *Args) { a.HostProgram += "-gone" }, "read the host program"},
		"host without need":  {func(a *Args) { a.PostgresHost = pulumi.String("x:1") }, "enableExternalPostgres"},
		"no external host":   {func(a *Args) { a.ExternalPostgres = true }, "enableExternalPostgres"},
		"unrenderable value": {func(a *Args) { a.CaddyEmail = "{" }, "cannot be used in a Caddyfile"},
		"secret not given":   {func(a *Args) { delete(a.Secrets["shop"], "API_KEY") }, "apps.shop: the secret API_KEY has no value"},
		"unknown region":     {func(a *Args) { a.Region = "" }, "region"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pulumitest.CheckRefused(t, program(args(t, test.edit), nil), pulumitest.Options{}, test.want)
		})
	}
}

func TestNewReportsFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(t, external), nil), pulumitest.Options{})
}

func TestNewWith200Apps(t *testing.T) {
	t.Parallel()
	a := args(t, func(a *Args) {
		a.Apps, a.ActiveApp = nil, "app0"
		for i := range 200 {
			a.Apps = append(a.Apps, app(fmt.Sprint("app", i)))
			a.Apps[i].SecureEnv = []string{"API_KEY"}
			a.Secrets[a.Apps[i].Name] = map[string]pulumi.StringInput{"API_KEY": pulumi.String("hidden")}
		}
	})
	r := pulumitest.MustRun(t, program(a, nil), options)
	r.CheckShape(t)
	r.Count(t, passwordType, 201)
	r.Count(t, parameterType, 801)
	r.Count(t, objectType, 4)
}
