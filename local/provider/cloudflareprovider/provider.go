package cloudflareprovider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/cloudflare/cloudflare-go"

	"webstack/local/provider"
)

// Package returns the cloudflare provider for the API at baseURL, such as "http://127.0.0.1:8080/client/v4". It sends
// that token instead of the one in the stack's config, which must be set anyway; with "" it sends the config's.
func Package(baseURL, token string) provider.Package {
	return provider.Package{
		Name:    "cloudflare",
		Version: "5.49.1",
		Config:  configProps,
		Configure: func(_ context.Context, config provider.Values) (*provider.Instance, error) {
			given := config.Str("apiToken")
			if given == "" {
				return nil, errors.New("find the API token: set cloudflare:apiToken in the stack config")
			}
			// Failed calls are not repeated: a call to this computer that fails would fail again.
			api, err := cloudflare.NewWithAPIToken(cmp.Or(token, given), cloudflare.BaseURL(baseURL),
				cloudflare.UsingRetryPolicy(0, 0, 0), cloudflare.UsingRateLimit(math.MaxFloat64))
			if err != nil {
				return nil, fmt.Errorf("make a client of the Cloudflare API: %w", err)
			}
			return (&client{api}).instance(), nil
		},
	}
}

// configProps are the provider settings. The laptop cloud itself decides where the API is and how often to retry, so
// settings about that are accepted and have no effect. Credentials other than a token are rejected: the real provider
// accepts them instead of a token, not in addition.
var configProps = map[string]provider.Prop{
	"apiToken":                {Required: true, Secret: true},
	"apiBasePath":             {},
	"apiClientLogging":        {Parsed: true},
	"apiHostname":             {},
	"maxBackoff":              {Parsed: true},
	"minBackoff":              {Parsed: true},
	"retries":                 {Parsed: true},
	"rps":                     {Parsed: true},
	"userAgentOperatorSuffix": {},
}

// client is the API client of one configured provider.
type client struct{ api *cloudflare.API }

func (c *client) instance() *provider.Instance {
	return &provider.Instance{
		Types: map[string]provider.Type{"cloudflare:index/record:Record": c.record()},
		Functions: map[string]provider.Function{
			"cloudflare:index/getZone:getZone": c.getZone(),
		},
	}
}
