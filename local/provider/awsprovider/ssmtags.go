package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/local/provider"
)

// ssmTags turns all tags into what SSM's calls take.
func ssmTags(in provider.Values) []types.Tag {
	var out []types.Tag
	for _, tag := range iamTags(in) {
		out = append(out, types.Tag{Key: tag.Key, Value: tag.Value})
	}
	return out
}

func (c *clients) ssmTagsOf(
	ctx context.Context, kind types.ResourceTypeForTagging, id string,
) (map[string]string, error) {
	found, err := c.ssm.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: kind, ResourceId: &id})
	if err != nil {
		return nil, gone(err, "InvalidResourceId")
	}
	out := map[string]string{}
	for _, tag := range found.TagList {
		out[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return out, nil
}

func (c *clients) retagSSM(
	ctx context.Context, change provider.Change, kind types.ResourceTypeForTagging, id string,
) error {
	return retagged(change, ssmTags,
		func(removed []string) error {
			_, err := c.ssm.RemoveTagsFromResource(ctx, &ssm.RemoveTagsFromResourceInput{
				ResourceType: kind, ResourceId: &id, TagKeys: removed,
			})
			return err
		},
		func(tags []types.Tag) error {
			_, err := c.ssm.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
				ResourceType: kind, ResourceId: &id, Tags: tags,
			})
			return err
		})
}
