package randomprovider

import (
	"context"

	"webstack/local/provider"
)

// Package returns the random provider. It takes no settings.
func Package() provider.Package {
	return provider.Package{
		Name:    "random",
		Version: "4.19.0",
		Configure: func(context.Context, provider.Values) (*provider.Instance, error) {
			return &provider.Instance{Types: types()}, nil
		},
	}
}

func types() map[string]provider.Type {
	return map[string]provider.Type{
		"random:index/randomId:RandomId":             randomID(),
		"random:index/randomPassword:RandomPassword": randomPassword(),
	}
}

// forget is the Delete of all types: the stack's state alone knows the resource.
func forget(context.Context, string, provider.Values) error { return nil }
