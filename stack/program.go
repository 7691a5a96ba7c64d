package stack

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/gobuild"
)

// Options replace what the program reads from its environment. The zero value is for real runs.
type Options struct {
	// Config holds the config of the run by full key; nil reads PULUMI_CONFIG of this process, and
	// the stack file beside Pulumi.yaml.
	Config map[string]string
	// BuildHost compiles the host program of the module in root for an architecture, "arm64" or "amd64", and returns
	// its path; nil is gobuild.Host.
	BuildHost func(ctx context.Context, root, arch string) (string, error)
}

// Program returns the program: config, providers, components, outputs.
func Program(o Options) pulumi.RunFunc {
	if o.BuildHost == nil {
		o.BuildHost = gobuild.Host
	}
	return func(ctx *pulumi.Context) error {
		b, err := o.build(ctx)
		if err != nil {
			return err
		}
		for _, output := range b.outputs() {
			ctx.Export(output.name, output.value)
		}
		return nil
	}
}

// build reads the config, and registers resources only if all of it is valid.
func (o Options) build(ctx *pulumi.Context) (*builder, error) {
	s, err := readSettings(ctx, o)
	if err != nil {
		return nil, err
	}
	hostProgram, err := o.BuildHost(ctx.Context(), ctx.RootDirectory(), s.config.Arch())
	if err != nil {
		return nil, fmt.Errorf("build the host program: %w", err)
	}
	b, err := newBuilder(ctx, s, hostProgram)
	if err != nil {
		return nil, err
	}
	return b, b.build()
}
