package awsprovider

import (
	"context"
	"fmt"

	"webstack/local/provider"
)

// Credential is both the access key id and the secret key that the laptop cloud's own clients sign with.
const Credential = "webstack-local"

// Package returns the aws provider for the AWS endpoint at that URL.
func Package(endpoint string) provider.Package {
	return provider.Package{
		Name:   "aws",
		Config: configProps,
		Configure: func(ctx context.Context, config provider.Values) (*provider.Instance, error) {
			region := config.Str("region")
			if region == "" {
				return nil, fmt.Errorf("find the region: set aws:region in the stack config")
			}
			c, err := newClients(ctx, endpoint, region)
			if err != nil {
				return nil, fmt.Errorf("look up the account at %s: %w", endpoint, err)
			}
			return &provider.Instance{
				Types:       resourceTypes(c),
				Functions:   functions(c),
				DefaultTags: config.Object("defaultTags").StrMap("tags"),
			}, nil
		},
	}
}

// configProps are the provider settings that the program or a stack may use. The endpoint and the credentials are the
// laptop cloud's own, so settings about those are accepted and have no effect here.
var configProps = map[string]provider.Prop{
	"region":                    {},
	"defaultTags":               {Parsed: true, Fields: map[string]provider.Prop{"tags": {}}},
	"allowedAccountIds":         {Parsed: true},
	"profile":                   {},
	"accessKey":                 {Secret: true},
	"secretKey":                 {Secret: true},
	"maxRetries":                {Parsed: true},
	"s3UsePathStyle":            {Parsed: true},
	"skipCredentialsValidation": {Parsed: true},
	"skipMetadataApiCheck":      {Parsed: true},
	"skipRegionValidation":      {Parsed: true},
	"skipRequestingAccountId":   {Parsed: true},
	"endpoints":                 {Parsed: true},
}

// resourceTypes is the table of all resource types, by token.
func resourceTypes(c *clients) map[string]provider.Type {
	out := map[string]provider.Type{}
	for _, family := range []map[string]provider.Type{networkTypes(c)} {
		for token, t := range family {
			out[token] = t
		}
	}
	return out
}

// functions is the table of all functions, by token.
func functions(c *clients) map[string]provider.Function {
	return map[string]provider.Function{}
}

func networkTypes(c *clients) map[string]provider.Type {
	return map[string]provider.Type{
		"aws:ec2/vpc:Vpc": c.vpc(),
	}
}
