package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// getInstanceTypeOfferings returns which instance types exist where; the three lists of its result go together.
func (c *clients) getInstanceTypeOfferings() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{
			"filters":      filterProp,
			"locationType": {Check: checkOneOf("region", "availability-zone", "availability-zone-id", "outpost")},
		},
		Call: func(ctx context.Context, args provider.Values) (provider.Values, error) {
			instanceTypes, kinds, locations := []string{}, []string{}, []string{}
			pages := ec2.NewDescribeInstanceTypeOfferingsPaginator(c.ec2, &ec2.DescribeInstanceTypeOfferingsInput{
				Filters: givenFilters(args), LocationType: types.LocationType(args.Str("locationType")),
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, offering := range page.InstanceTypeOfferings {
					instanceTypes = append(instanceTypes, string(offering.InstanceType))
					kinds = append(kinds, string(offering.LocationType))
					locations = append(locations, aws.ToString(offering.Location))
				}
			}
			return echo(args, provider.Values{
				"id": c.region, "instanceTypes": instanceTypes, "locationTypes": kinds, "locations": locations,
			}), nil
		},
	}
}
