package appcompose

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/appcompose/render"
	"webstack/contract"
)

// TypeToken is the component's type.
const TypeToken = "webstack:appcompose:AppCompose"

// Args are the inputs of New.
type Args struct {
	render.Input
	// Secrets are the values of each app's SecureEnv, by app and name.
	Secrets map[string]map[string]pulumi.StringInput
	// HostProgram is the path of webstackctl, built for the instance's architecture.
	HostProgram string
	// PostgresHost is "host:port" of the external Postgres. It is required with one, and must be unset without.
	PostgresHost pulumi.StringInput
	// PostgresPassword is the superuser's password, a secret; nil generates one.
	PostgresPassword pulumi.StringInput
	// SlackWebhookURL and ResendAPIKey are secrets. Each is required with its part of Notify, and must be unset without.
	SlackWebhookURL, ResendAPIKey pulumi.StringInput
}

// AppCompose is a published bundle with its secrets.
type AppCompose struct {
	pulumi.ResourceState

	// BucketName and BucketArn identify the artifacts bucket, which holds the bundle.
	BucketName, BucketArn pulumi.StringOutput
	// KmsKeyArn is the key that the stack's SecureString parameters are encrypted with.
	KmsKeyArn pulumi.StringOutput
	// ManifestSum is the SHA-256 of the manifest, and thus the identity of the bundle. It is known in a preview.
	ManifestSum string
	// HostProgramSHA256 is the SHA-256 of webstackctl, known in a preview.
	HostProgramSHA256 string
	// ComposeYaml and Caddyfile are the rendered texts, known in a preview.
	ComposeYaml, Caddyfile string
	// Published are all objects and parameters of the bundle. Whatever makes a host converge must wait for them.
	Published []pulumi.Resource
}

// New publishes the bundle of a stack. It reports all problems in args before it registers anything.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*AppCompose, error) {
	b, err := newBundle(args)
	if err != nil {
		return nil, err
	}
	c := &AppCompose{
		ManifestSum: contract.Sum(b.manifest), HostProgramSHA256: b.program.SHA256,
		ComposeYaml: string(b.rendered.Compose), Caddyfile: string(b.rendered.Caddyfile),
	}
	inputs := pulumi.Map{"region": pulumi.String(args.Region), "apps": pulumi.ToStringArray(appNames(args.Apps))}
	if err := ctx.RegisterComponentResourceV2(TypeToken, name, inputs, c, opts...); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	if warning := render.MemoryWarning(args.Input); warning != "" {
		if err := ctx.Log.Warn(warning, &pulumi.LogArgs{Resource: c}); err != nil {
			return nil, fmt.Errorf("warn about memory: %w", err)
		}
	}
	p := &publisher{ctx: ctx, name: name, args: args, component: c}
	if err := p.secrets(); err != nil {
		return nil, fmt.Errorf("publish the secrets of %s: %w", name, err)
	}
	if err := p.bundle(b); err != nil {
		return nil, fmt.Errorf("publish the bundle of %s: %w", name, err)
	}
	outputs := pulumi.Map{
		"bucketName": c.BucketName, "kmsKeyArn": c.KmsKeyArn, "manifestSum": pulumi.String(c.ManifestSum),
	}
	if err := ctx.RegisterResourceOutputs(c, outputs); err != nil {
		return nil, fmt.Errorf("register the outputs of %s: %w", name, err)
	}
	return c, nil
}

func appNames(apps []render.App) []string {
	var names []string
	for _, app := range apps {
		names = append(names, app.Name)
	}
	return slices.Sorted(slices.Values(names))
}

// publisher registers the children of one component.
type publisher struct {
	ctx       *pulumi.Context
	name      string
	args      *Args
	component *AppCompose
}

// child returns the options of a child of the component.
func (p *publisher) child(more ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(p.component)}, more...)
}

// published adds a resource to those that a host needs before it converges.
func (p *publisher) published(r pulumi.Resource) {
	p.component.Published = append(p.component.Published, r)
}

// newBundle checks args and builds the bundle in memory.
func newBundle(args *Args) (bundle, error) {
	if (args.PostgresHost != nil) != args.ExternalPostgres {
		return bundle{}, errors.New("publish bundle: set PostgresHost if, and only if, enableExternalPostgres is true")
	}
	if (args.SlackWebhookURL != nil) != args.Notify.Slack || (args.ResendAPIKey != nil) != (args.Notify.EmailTo != "") {
		return bundle{}, errors.New("publish bundle: set SlackWebhookURL and ResendAPIKey if, and only if, Notify uses them")
	}
	for _, app := range args.Apps {
		for _, name := range app.SecureEnv {
			if args.Secrets[app.Name][name] == nil {
				return bundle{}, fmt.Errorf("publish bundle: apps.%s: the secret %s has no value", app.Name, name)
			}
		}
	}
	rendered, err := render.Render(args.Input)
	if err != nil {
		return bundle{}, err
	}
	program, err := programFile(args.HostProgram)
	if err != nil {
		return bundle{}, err
	}
	manifest, err := rendered.Manifest(program)
	if err != nil {
		return bundle{}, fmt.Errorf("write manifest: %w", err)
	}
	return bundle{rendered: rendered, program: program, manifest: manifest.Encode()}, nil
}
