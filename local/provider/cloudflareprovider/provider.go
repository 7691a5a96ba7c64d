package cloudflareprovider

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/cloudflare/cloudflare-go"

	"webstack/local/provider"
)

// retries is how often a failed call is tried again: the API is on this machine, so a third try is rarely better.
const retries = 2

// Package returns the cloudflare provider for the API at baseURL, such as "http://127.0.0.1:8080/client/v4".
func Package(baseURL string) provider.Package {
	return provider.Package{
		Name:    "cloudflare",
		Version: "5.49.1",
		// A base URL or a host name of the program's own is refused as unknown: it would be another API.
		Config: map[string]provider.Prop{
			"apiToken":         {Required: true, Secret: true},
			"apiClientLogging": {Parsed: true},
			"maxBackoff":       {Parsed: true}, "minBackoff": {Parsed: true}, "retries": {Parsed: true}, "rps": {Parsed: true},
		},
		Configure: func(_ context.Context, config provider.Values) (*provider.Instance, error) {
			token := config.Str("apiToken")
			if token == "" {
				return nil, errors.New("find the API token: set cloudflare:apiToken in the stack config")
			}
			api, err := cloudflare.NewWithAPIToken(token, cloudflare.BaseURL(baseURL),
				cloudflare.UsingRetryPolicy(retries, 0, 1), cloudflare.UsingRateLimit(math.MaxFloat64))
			if err != nil {
				return nil, fmt.Errorf("make a client of the Cloudflare API: %w", err)
			}
			return (&client{api}).instance(), nil
		},
	}
}

// client is the API client of one configured provider.
type client struct{ api *cloudflare.API }

func (c *client) instance() *provider.Instance {
	return &provider.Instance{
		Types: map[string]provider.Type{"cloudflare:index/record:Record": c.record()},
		Functions: map[string]provider.Function{
			"cloudflare:index/getZone:getZone":   c.getZone(),
			"cloudflare:index/getZones:getZones": c.getZones(),
		},
	}
}
