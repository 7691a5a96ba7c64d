package awsprovider

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// changedTags returns which tags an update sets and which it removes.
func changedTags(old, news map[string]string) (set map[string]string, removed []string) {
	set = map[string]string{}
	for key, value := range news {
		if was, ok := old[key]; !ok || was != value {
			set[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if _, kept := news[key]; !kept {
			removed = append(removed, key)
		}
	}
	return set, removed
}

// ec2Tags turns a tag map into what EC2's calls take.
func ec2Tags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

// ec2TagSpec returns the tags of a new resource, or nothing when there are none.
func ec2TagSpec(resource types.ResourceType, in provider.Values) []types.TagSpecification {
	tags := ec2Tags(in.StrMap("tagsAll"))
	if len(tags) == 0 {
		return nil
	}
	return []types.TagSpecification{{ResourceType: resource, Tags: tags}}
}

// fromEC2Tags is the inverse of ec2Tags.
func fromEC2Tags(tags []types.Tag) map[string]string {
	out := map[string]string{}
	for _, tag := range tags {
		out[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return out
}

// retagEC2 brings the tags of an existing resource in line when they changed.
func (c *clients) retagEC2(ctx context.Context, change provider.Change) error {
	if !change.Changed("tagsAll") {
		return nil
	}
	return c.setEC2Tags(ctx, change.ID, change.Old.StrMap("tagsAll"), change.New.StrMap("tagsAll"))
}

// setEC2Tags brings the tags of the resource with that id from old to news.
func (c *clients) setEC2Tags(ctx context.Context, id string, old, news map[string]string) error {
	set, removed := changedTags(old, news)
	if len(removed) > 0 {
		tags := make([]types.Tag, len(removed))
		for i, key := range removed {
			tags[i].Key = aws.String(key)
		}
		if _, err := c.ec2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: tags}); err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	_, err := c.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: ec2Tags(set)})
	return err
}
