package awsprovider

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"webstack/local/provider"
)

func (c *clients) dbSubnetGroup() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"name":        {Computed: true, Replace: true, Check: checkSubnetGroupName},
			"subnetIds":   {Required: true, Set: true},
			"description": {Default: "Managed by Pulumi"},
			"arn":         {Output: true},
			"vpcId":       {Output: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			_, err := c.rds.CreateDBSubnetGroup(ctx, &rds.CreateDBSubnetGroupInput{
				DBSubnetGroupName: optional(in, "name"), DBSubnetGroupDescription: aws.String(in.Str("description")),
				SubnetIds: in.Strs("subnetIds"), Tags: rdsTags(in.StrMap("tagsAll")),
			})
			if err != nil {
				return "", err
			}
			return in.Str("name"), nil
		},
		Read: c.readDBSubnetGroup,
		Update: func(ctx context.Context, change provider.Change) error {
			if change.Changed("description", "subnetIds") {
				_, err := c.rds.ModifyDBSubnetGroup(ctx, &rds.ModifyDBSubnetGroupInput{
					DBSubnetGroupName: &change.ID, SubnetIds: change.New.Strs("subnetIds"),
					DBSubnetGroupDescription: aws.String(change.New.Str("description")),
				})
				if err != nil {
					return err
				}
			}
			return c.retagRDS(ctx, aws.String(c.arn("rds", "subgrp:"+change.ID)), change)
		},
		Delete: func(ctx context.Context, id string, _ provider.Values) error {
			return deleted(ctx, id, func() error {
				_, err := c.rds.DeleteDBSubnetGroup(ctx, &rds.DeleteDBSubnetGroupInput{DBSubnetGroupName: &id})
				return err
			}, c.describeDBSubnetGroup, "DBSubnetGroupNotFoundFault")
		},
	}
}

func checkSubnetGroupName(value any) string {
	if text, _ := value.(string); strings.EqualFold(text, "default") {
		return `must not be "default", which is AWS's own`
	}
	return checkPattern(`[a-z0-9_. -]{1,255}`, "up to 255 lower-case letters, digits, spaces and _.-")(value)
}

func (c *clients) describeDBSubnetGroup(ctx context.Context, name string) (types.DBSubnetGroup, error) {
	out, err := c.rds.DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: &name})
	if err != nil {
		return types.DBSubnetGroup{}, gone(err, "DBSubnetGroupNotFoundFault")
	}
	return first(out.DBSubnetGroups)
}

func (c *clients) readDBSubnetGroup(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	group, err := c.describeDBSubnetGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	subnets := []string{}
	for _, subnet := range group.Subnets {
		subnets = append(subnets, aws.ToString(subnet.SubnetIdentifier))
	}
	tags, err := c.readRDSTags(ctx, group.DBSubnetGroupArn)
	return provider.Values{
		"name": group.DBSubnetGroupName, "description": group.DBSubnetGroupDescription, "subnetIds": subnets,
		"vpcId": group.VpcId, "arn": group.DBSubnetGroupArn, "tags": tags,
	}, err
}

func rdsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

func (c *clients) readRDSTags(ctx context.Context, arn *string) (map[string]string, error) {
	found, err := c.rds.ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: arn})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, tag := range found.TagList {
		out[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return out, nil
}

// retagRDS brings the tags of the RDS resource with that ARN in line when they changed.
func (c *clients) retagRDS(ctx context.Context, arn *string, change provider.Change) error {
	if !change.Changed("tagsAll") {
		return nil
	}
	set, removed := changedTags(change.Old.StrMap("tagsAll"), change.New.StrMap("tagsAll"))
	if len(removed) > 0 {
		_, err := c.rds.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: arn, TagKeys: removed})
		if err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	_, err := c.rds.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: arn, Tags: rdsTags(set)})
	return err
}
