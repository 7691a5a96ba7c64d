package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"webstack/local/provider"
)

func (c *clients) getCallerIdentity() provider.Function {
	return provider.Function{
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
