package pulumitest

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-cloudflare/sdk/v5/go/cloudflare"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Provider makes an explicit provider, as package stack does.
type Provider func(ctx *pulumi.Context) (pulumi.ProviderResource, error)

// AWS makes the provider of package aws.
func AWS(ctx *pulumi.Context) (pulumi.ProviderResource, error) {
	return aws.NewProvider(ctx, "aws", &aws.ProviderArgs{Region: pulumi.StringPtr(Region)})
}

// Random makes the provider of package random.
func Random(ctx *pulumi.Context) (pulumi.ProviderResource, error) {
	return random.NewProvider(ctx, "random", &random.ProviderArgs{})
}

// Cloudflare makes the provider of package cloudflare.
func Cloudflare(ctx *pulumi.Context) (pulumi.ProviderResource, error) {
	return cloudflare.NewProvider(ctx, "cloudflare", &cloudflare.ProviderArgs{
		ApiToken: pulumi.ToSecret(pulumi.StringPtr("token-of-forty-characters-0123456789abcd")).(pulumi.StringPtrOutput),
	})
}

// Constructor makes a component.
type Constructor[A, C any] func(ctx *pulumi.Context, name string, args *A, opts ...pulumi.ResourceOption) (C, error)

// Component returns a program that makes a component with these providers under each of the names.
func Component[A, C any](build Constructor[A, C], args *A, providers []Provider, names ...string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		var made []pulumi.ProviderResource
		for _, provider := range providers {
			one, err := provider(ctx)
			if err != nil {
				return err
			}
			made = append(made, one)
		}
		for _, name := range names {
			if _, err := build(ctx, name, args, pulumi.Providers(made...)); err != nil {
				return err
			}
		}
		return nil
	}
}
