package awsprovider

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"webstack/local/provider"
)

// noRepository is ECR's code for a repository that does not exist.
const noRepository = "RepositoryNotFoundException"

func (c *clients) repository() provider.Type {
	return provider.Type{
		Name: &provider.AutoName{Prop: "name", Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"name":               {Computed: true, Replace: true},
			"imageTagMutability": {Default: "MUTABLE", Check: checkOneOf("MUTABLE", "IMMUTABLE")},
			"imageScanningConfiguration": {Computed: true, Fields: map[string]provider.Prop{
				"scanOnPush": {Required: true},
			}},
			"forceDelete":   {InputOnly: true},
			"arn":           {Output: true},
			"registryId":    {Output: true},
			"repositoryUrl": {Output: true},
		}),
		Create: func(ctx context.Context, in provider.Values) (string, error) {
			out, err := c.ecr.CreateRepository(ctx, &ecr.CreateRepositoryInput{
				RepositoryName: optional(in, "name"), Tags: ecrTags(in),
				ImageTagMutability:         types.ImageTagMutability(in.Str("imageTagMutability")),
				ImageScanningConfiguration: scanning(in),
			})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.Repository.RepositoryName), nil
		},
		Read:   c.readRepository,
		Update: c.updateRepository,
		Delete: func(ctx context.Context, id string, state provider.Values) error {
			_, err := c.ecr.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{
				RepositoryName: &id, Force: state.Bool("forceDelete"),
			})
			if hasCode(err, "RepositoryNotEmptyException") {
				return fmt.Errorf("delete repository %s, which holds images (set forceDelete to delete them too): %w", id, err)
			}
			return unlessGone(err, noRepository)
		},
	}
}

func scanning(in provider.Values) *types.ImageScanningConfiguration {
	return &types.ImageScanningConfiguration{ScanOnPush: in.Object("imageScanningConfiguration").Bool("scanOnPush")}
}

// ecrTags turns all tags into what ECR's calls take.
func ecrTags(in provider.Values) []types.Tag {
	var out []types.Tag
	for _, tag := range iamTags(in) {
		out = append(out, types.Tag{Key: tag.Key, Value: tag.Value})
	}
	return out
}

func (c *clients) readRepository(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	found, err := c.ecr.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{id}})
	if err != nil {
		return nil, gone(err, noRepository)
	}
	repository, err := first(found.Repositories)
	if err != nil {
		return nil, err
	}
	listed, err := c.ecr.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: repository.RepositoryArn})
	if err != nil {
		return nil, gone(err, noRepository)
	}
	tags := map[string]string{}
	for _, tag := range listed.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	out := provider.Values{
		"name": id, "arn": repository.RepositoryArn, "registryId": repository.RegistryId,
		"repositoryUrl": repository.RepositoryUri, "imageTagMutability": repository.ImageTagMutability, "tags": tags,
	}
	if scan := repository.ImageScanningConfiguration; scan != nil {
		out["imageScanningConfiguration"] = provider.Values{"scanOnPush": scan.ScanOnPush}
	}
	return out, nil
}

func (c *clients) updateRepository(ctx context.Context, change provider.Change) error {
	if change.Changed("imageTagMutability") {
		_, err := c.ecr.PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{
			RepositoryName:     &change.ID,
			ImageTagMutability: types.ImageTagMutability(change.New.Str("imageTagMutability")),
		})
		if err != nil {
			return err
		}
	}
	if change.Changed("imageScanningConfiguration") {
		_, err := c.ecr.PutImageScanningConfiguration(ctx, &ecr.PutImageScanningConfigurationInput{
			RepositoryName: &change.ID, ImageScanningConfiguration: scanning(change.New),
		})
		if err != nil {
			return err
		}
	}
	arn := c.arn("ecr", "repository/"+change.ID)
	return retagged(change, ecrTags,
		func(removed []string) error {
			_, err := c.ecr.UntagResource(ctx, &ecr.UntagResourceInput{ResourceArn: &arn, TagKeys: removed})
			return err
		},
		func(tags []types.Tag) error {
			_, err := c.ecr.TagResource(ctx, &ecr.TagResourceInput{ResourceArn: &arn, Tags: tags})
			return err
		})
}
