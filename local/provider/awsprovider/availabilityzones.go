package awsprovider

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// filterProp describes the filters of a lookup: objects of a name and the values that match.
var filterProp = provider.Prop{Fields: map[string]provider.Prop{"name": {Required: true}, "values": {Required: true}}}

// givenFilters turns the filters of a lookup into what EC2's calls take.
func givenFilters(args provider.Values) []types.Filter {
	var out []types.Filter
	for _, filter := range args.Objects("filters") {
		out = append(out, types.Filter{Name: optional(filter, "name"), Values: filter.Strs("values")})
	}
	return out
}

func (c *clients) getAvailabilityZones() provider.Function {
	return provider.Function{Args: map[string]provider.Prop{"filters": filterProp}, Call: c.findAvailabilityZones}
}

// findAvailabilityZones answers with names and ids in the order of the names.
func (c *clients) findAvailabilityZones(ctx context.Context, args provider.Values) (provider.Values, error) {
	found, err := c.ec2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{Filters: givenFilters(args)})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found.AvailabilityZones, func(a, b types.AvailabilityZone) int {
		return cmp.Compare(aws.ToString(a.ZoneName), aws.ToString(b.ZoneName))
	})
	names, ids := []string{}, []string{}
	for _, zone := range found.AvailabilityZones {
		names, ids = append(names, aws.ToString(zone.ZoneName)), append(ids, aws.ToString(zone.ZoneId))
	}
	return echo(args, provider.Values{"id": c.region, "names": names, "zoneIds": ids}), nil
}

// echo adds the arguments of a lookup to its result.
func echo(args, out provider.Values) provider.Values {
	for key, value := range args {
		out[key] = value
	}
	return out
}
