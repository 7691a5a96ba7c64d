package cloudflareprovider

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"

	"github.com/cloudflare/cloudflare-go"

	"webstack/local/provider"
)

func (c *client) getZone() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{"accountId": {}, "name": {}, "zoneId": {}},
		Call: func(ctx context.Context, args provider.Values) (provider.Values, error) {
			zone, err := c.findZone(ctx, args)
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

func (c *client) findZone(ctx context.Context, args provider.Values) (cloudflare.Zone, error) {
	id, name := args.Str("zoneId"), args.Str("name")
	if (id == "") == (name == "") {
		return cloudflare.Zone{}, errors.New("set exactly one of zoneId, name")
	}
	if id != "" {
		return c.api.ZoneDetails(ctx, id)
	}
	found, err := c.api.ListZonesContext(ctx, cloudflare.WithZoneFilters(name, args.Str("accountId"), ""))
	switch {
	case err != nil:
		return cloudflare.Zone{}, err
	case len(found.Result) == 0:
		return cloudflare.Zone{}, fmt.Errorf("no zone found with name %s", name)
	case len(found.Result) > 1:
		return cloudflare.Zone{}, fmt.Errorf("%d zones have the name %s; set accountId too", len(found.Result), name)
	}
	return found.Result[0], nil
}

func (c *client) getZones() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{"filter": {Required: true, Fields: map[string]provider.Prop{
			"accountId": {}, "name": {}, "status": {}, "paused": {}, "match": {}, "lookupType": {},
		}}},
		Call: func(ctx context.Context, args provider.Values) (provider.Values, error) {
			filter := args.Object("filter")
			name := filter.Str("name")
			if name != "" && filter.Str("lookupType") == "contains" {
				name = "contains:" + name
			}
			pattern, err := regexp.Compile(filter.Str("match"))
			if err != nil {
				return nil, fmt.Errorf("read match: %w", err)
			}
			found, err := c.api.ListZonesContext(ctx,
				cloudflare.WithZoneFilters(name, filter.Str("accountId"), filter.Str("status")))
			if err != nil {
				return nil, err
			}
			zones, ids := []provider.Values{}, []string{}
			for _, zone := range found.Result {
				if zone.Paused == filter.Bool("paused") && pattern.MatchString(zone.Name) {
					zones = append(zones, provider.Values{"id": zone.ID, "name": zone.Name})
					ids = append(ids, zone.ID)
				}
			}
			sum := crc32.ChecksumIEEE([]byte(strings.Join(ids, "-")))
			return provider.Values{"id": strconv.FormatUint(uint64(sum), 10), "zones": zones, "filter": filter}, nil
		},
	}
}
