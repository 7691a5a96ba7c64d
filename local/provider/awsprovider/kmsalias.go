package awsprovider

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"webstack/local/provider"
)

func (c *clients) kmsAlias() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Prefix: "alias/", Max: 244},
		Props: map[string]provider.Prop{
			"name":         {Computed: true, Replace: true, Check: checkAlias},
			"targetKeyId":  {Required: true, Equal: sameKey},
			"arn":          {Output: true},
			"targetKeyArn": {Output: true},
		},
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			err := retrying(ctx, dependencyPatience, func() error {
				_, err := c.kms.CreateAlias(ctx, &kms.CreateAliasInput{
					AliasName: optional(in, "name"), TargetKeyId: optional(in, "targetKeyId"),
				})
				return err
			}, "NotFoundException")
			if err != nil {
				return "", err
			}
			return in.Str("name"), nil
		},
		Read: c.readAlias,
		Update: func(ctx context.Context, change provider.Change) error {
			_, err := c.kms.UpdateAlias(ctx, &kms.UpdateAliasInput{
				AliasName: &change.ID, TargetKeyId: optional(change.New, "targetKeyId"),
			})
			return err
		},
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			_, err := c.kms.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: &id})
			return unlessGone(err, "NotFoundException")
		},
		Recomputed: func(changed func(...string) bool) []string {
			if changed("targetKeyId") {
				return []string{"targetKeyArn"}
			}
			return nil
		},
	}
}

var aliasPattern = checkPattern(`alias/[A-Za-z0-9/_-]+`, "must be alias/ and letters, digits, / _ or -")

func checkAlias(value any) string {
	if text, _ := value.(string); strings.HasPrefix(text, "alias/aws/") {
		return "must not start with alias/aws/, which is for AWS's own keys"
	}
	return aliasPattern(value)
}

// sameKey reports whether two references mean one key: its id, or an ARN that ends in it.
func sameKey(a, b any) bool {
	left, _ := a.(string)
	right, _ := b.(string)
	return left != "" && left[strings.LastIndex(left, "/")+1:] == right[strings.LastIndex(right, "/")+1:]
}

func (c *clients) findAlias(ctx context.Context, name string) (types.AliasListEntry, error) {
	pages := kms.NewListAliasesPaginator(c.kms, &kms.ListAliasesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return types.AliasListEntry{}, err
		}
		for _, alias := range page.Aliases {
			if aws.ToString(alias.AliasName) == name {
				return alias, nil
			}
		}
	}
	return types.AliasListEntry{}, provider.ErrGone
}

func (c *clients) readAlias(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	alias, err := c.findAlias(ctx, id)
	if err != nil {
		return nil, err
	}
	return provider.Values{
		"name": alias.AliasName, "arn": alias.AliasArn, "targetKeyId": alias.TargetKeyId,
		"targetKeyArn": c.arn("kms", "key/"+aws.ToString(alias.TargetKeyId)),
	}, nil
}
