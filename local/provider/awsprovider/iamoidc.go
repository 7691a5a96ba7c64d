package awsprovider

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"webstack/local/provider"
)

func (c *clients) openIDConnectProvider() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"url":           {Required: true, Replace: true, Equal: sameIssuer, Check: checkIssuer},
			"clientIdLists": {Required: true, Set: true, Check: checkEach(checkLength(255))},
			"arn":           {Output: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			out, err := c.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
				Url: optional(in, "url"), ClientIDList: in.Strs("clientIdLists"),
				Tags: iamTags(in),
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.OpenIDConnectProviderArn), nil
		},
		Read:   c.readOpenIDConnectProvider,
		Update: c.updateOpenIDConnectProvider,
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{
				OpenIDConnectProviderArn: &id,
			})
			return unlessGone(err, noSuchEntity)
		},
	}
}

// sameIssuer compares issuers; IAM returns them without their scheme.
func sameIssuer(a, b any) bool {
	left, _ := a.(string)
	right, _ := b.(string)
	return strings.TrimPrefix(left, "https://") == strings.TrimPrefix(right, "https://")
}

func checkIssuer(value any) string {
	if text, _ := value.(string); !strings.HasPrefix(text, "https://") || strings.Contains(text, "?") {
		return "must be an https URL without a query"
	}
	return ""
}

func (c *clients) updateOpenIDConnectProvider(ctx context.Context, change provider.Change) error {
	old, news := change.Old.Strs("clientIdLists"), change.New.Strs("clientIdLists")
	for _, id := range without(news, old) {
		_, err := c.iam.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{
			OpenIDConnectProviderArn: &change.ID, ClientID: &id,
		})
		if err != nil {
			return err
		}
	}
	for _, id := range without(old, news) {
		_, err := c.iam.RemoveClientIDFromOpenIDConnectProvider(ctx, &iam.RemoveClientIDFromOpenIDConnectProviderInput{
			OpenIDConnectProviderArn: &change.ID, ClientID: &id,
		})
		if err != nil {
			return err
		}
	}
	return retagged(change, iamTags,
		func(removed []string) error {
			_, err := c.iam.UntagOpenIDConnectProvider(ctx, &iam.UntagOpenIDConnectProviderInput{
				OpenIDConnectProviderArn: &change.ID, TagKeys: removed,
			})
			return err
		},
		func(tags []types.Tag) error {
			_, err := c.iam.TagOpenIDConnectProvider(ctx, &iam.TagOpenIDConnectProviderInput{
				OpenIDConnectProviderArn: &change.ID, Tags: tags,
			})
			return err
		})
}

func (c *clients) readOpenIDConnectProvider(
	ctx context.Context, id string, _ provider.Values,
) (provider.Values, error) {
	found, err := c.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &id})
	if err != nil {
		return nil, gone(err, noSuchEntity)
	}
	return provider.Values{
		"arn": id, "url": strings.TrimPrefix(aws.ToString(found.Url), "https://"), "clientIdLists": found.ClientIDList,
		"tags": fromIAMTags(found.Tags),
	}, nil
}
