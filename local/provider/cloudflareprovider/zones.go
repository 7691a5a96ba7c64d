package cloudflareprovider

import (
	"context"
	"fmt"

	"github.com/cloudflare/cloudflare-go"

	"webstack/local/provider"
)

func (c *client) getZone() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{"name": {}},
		Call: func(ctx context.Context, args provider.Values) (provider.Values, error) {
			zone, err := c.findZone(ctx, args.Str("name"))
			if err != nil {
				return nil, err
			}
			return provider.Values{
				"id": zone.ID, "zoneId": zone.ID, "name": zone.Name, "accountId": zone.Account.ID,
				"nameServers": zone.NameServers, "vanityNameServers": zone.VanityNS, "paused": zone.Paused,
				"plan": zone.Plan.Name, "status": zone.Status,
			}, nil
		},
	}
}

func (c *client) findZone(ctx context.Context, name string) (cloudflare.Zone, error) {
	found, err := c.api.ListZonesContext(ctx, cloudflare.WithZoneFilters(name, "", ""))
	switch {
	case err != nil:
		return cloudflare.Zone{}, err
	case len(found.Result) == 0:
		return cloudflare.Zone{}, fmt.Errorf("no zone found with name %s", name)
	case len(found.Result) > 1:
		return cloudflare.Zone{}, fmt.Errorf("%d zones have the name %q", len(found.Result), name)
	}
	return found.Result[0], nil
}
