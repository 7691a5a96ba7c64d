package awsprovider

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"webstack/local/provider"
)

// dnsSuffix is the domain of AWS's endpoints in the partition "aws".
const dnsSuffix = "amazonaws.com"

func (c *clients) getCallerIdentity() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{"id": {}},
		Call: func(ctx context.Context, _ provider.Values) (provider.Values, error) {
			identity, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				return nil, err
			}
			return provider.Values{
				"id": identity.Account, "accountId": identity.Account, "arn": identity.Arn, "userId": identity.UserId,
			}, nil
		},
	}
}

func (c *clients) getPartition() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{"id": {}},
		Call: func(context.Context, provider.Values) (provider.Values, error) {
			return provider.Values{
				"id": c.partition, "partition": c.partition, "dnsSuffix": dnsSuffix, "reverseDnsPrefix": "com.amazonaws",
			}, nil
		},
	}
}

// getRegion returns the provider's region, or the given one.
func (c *clients) getRegion() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{"id": {}, "name": {}},
		Call: func(ctx context.Context, args provider.Values) (provider.Values, error) {
			name := args.Str("name")
			if name == "" {
				name = c.region
			}
			found, err := c.ec2.DescribeRegions(ctx, &ec2.DescribeRegionsInput{RegionNames: []string{name}})
			if err != nil {
				return nil, fmt.Errorf("find region %s: %w", name, err)
			}
			if len(found.Regions) == 0 {
				return nil, fmt.Errorf("find region %s: it does not exist", name)
			}
			return provider.Values{"id": name, "name": name, "endpoint": "ec2." + name + "." + dnsSuffix}, nil
		},
	}
}
