package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-cloudflare/sdk/v5/go/cloudflare"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// providers are the explicit providers of the program. Nothing uses a default provider, so that region and credentials
// come from only one place.
type providers struct {
	aws        *aws.Provider
	cloudflare *cloudflare.Provider // nil without enableDns
	random     *random.Provider
}

// forComponents passes the providers to a component and its children.
func (p *providers) forComponents() pulumi.ResourceOption {
	all := []pulumi.ProviderResource{p.aws, p.random}
	if p.cloudflare != nil {
		all = append(all, p.cloudflare)
	}
	return pulumi.Providers(all...)
}

func newProviders(ctx *pulumi.Context, s *settings) (*providers, error) {
	args := s.aws
	args.DefaultTags = aws.ProviderDefaultTagsArgs{Tags: pulumi.StringMap{
		"Project":   pulumi.String(ctx.Project()),
		"Stack":     pulumi.String(ctx.Stack()),
		"ManagedBy": pulumi.String("pulumi"),
	}}
	var p providers
	var err error
	if p.aws, err = aws.NewProvider(ctx, "aws", &args); err != nil {
		return nil, fmt.Errorf("create the AWS provider: %w", err)
	}
	if p.random, err = random.NewProvider(ctx, "random", nil); err != nil {
		return nil, fmt.Errorf("create the random provider: %w", err)
	}
	if !s.config.EnableDns {
		return &p, nil
	}
	p.cloudflare, err = cloudflare.NewProvider(ctx, "cloudflare", &cloudflare.ProviderArgs{
		ApiToken: pulumi.ToSecret(pulumi.String(s.config.CloudflareAPIToken.Reveal())).(pulumi.StringOutput),
	})
	if err != nil {
		return nil, fmt.Errorf("create the Cloudflare provider: %w", err)
	}
	return &p, nil
}
