package awsprovider

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"webstack/local/provider"
)

func (c *clients) kmsKey() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"description":          {Computed: true, Check: checkLength(8192)},
			"enableKeyRotation":    {Default: false},
			"deletionWindowInDays": {InputOnly: true, Check: checkRange(7, 30)},
			"arn":                  {Output: true},
			"keyId":                {Output: true},
		}),
		Create: c.createKey,
		Read:   c.readKey,
		Update: c.updateKey,
		Delete: c.deleteKey,
	}
}

func kmsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{TagKey: aws.String(key), TagValue: aws.String(tags[key])})
	}
	return out
}

func (c *clients) createKey(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.kms.CreateKey(ctx, &kms.CreateKeyInput{
		Description: aws.String(in.Str("description")), Tags: kmsTags(in.StrMap("tagsAll")),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.KeyMetadata.KeyId)
	if in.Bool("enableKeyRotation") {
		if err := c.setKeyRotation(ctx, id, true); err != nil {
			return id, err
		}
	}
	return id, nil
}

func (c *clients) setKeyRotation(ctx context.Context, id string, on bool) error {
	var err error
	if on {
		_, err = c.kms.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &id})
	} else {
		_, err = c.kms.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: &id})
	}
	return err
}

func (c *clients) updateKey(ctx context.Context, change provider.Change) error {
	id, in := change.ID, change.New
	if change.Changed("enableKeyRotation") {
		if err := c.setKeyRotation(ctx, id, in.Bool("enableKeyRotation")); err != nil {
			return err
		}
	}
	if change.Changed("description") && in.Has("description") {
		_, err := c.kms.UpdateKeyDescription(ctx, &kms.UpdateKeyDescriptionInput{
			KeyId: &id, Description: optional(in, "description"),
		})
		if err != nil {
			return err
		}
	}
	if !change.Changed("tagsAll") {
		return nil
	}
	return c.retagKey(ctx, change)
}

func (c *clients) retagKey(ctx context.Context, change provider.Change) error {
	set, removed := changedTags(change.Old.StrMap("tagsAll"), change.New.StrMap("tagsAll"))
	if len(removed) > 0 {
		_, err := c.kms.UntagResource(ctx, &kms.UntagResourceInput{KeyId: &change.ID, TagKeys: removed})
		if err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	_, err := c.kms.TagResource(ctx, &kms.TagResourceInput{KeyId: &change.ID, Tags: kmsTags(set)})
	return err
}

// describeKey treats a key that is scheduled for deletion as gone.
func (c *clients) describeKey(ctx context.Context, id string) (*types.KeyMetadata, error) {
	out, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return nil, gone(err, "NotFoundException")
	}
	switch out.KeyMetadata.KeyState {
	case types.KeyStatePendingDeletion, types.KeyStatePendingReplicaDeletion:
		return nil, provider.ErrGone
	}
	return out.KeyMetadata, nil
}

func (c *clients) readKey(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	key, err := c.describeKey(ctx, id)
	if err != nil {
		return nil, err
	}
	rotation, err := c.kms.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &id})
	if err != nil && !hasCode(err, "UnsupportedOperationException") {
		return nil, err
	}
	tags, err := c.kms.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &id})
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, tag := range tags.Tags {
		all[aws.ToString(tag.TagKey)] = aws.ToString(tag.TagValue)
	}
	return provider.Values{
		"description":       aws.ToString(key.Description),
		"enableKeyRotation": rotation != nil && rotation.KeyRotationEnabled, "arn": key.Arn, "keyId": key.KeyId, "tags": all,
	}, nil
}

// deleteKey schedules the deletion; AWS never deletes a key at once.
func (c *clients) deleteKey(ctx context.Context, id string, state provider.Values) error {
	_, err := c.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{
		KeyId: &id, PendingWindowInDays: optionalInt(state, "deletionWindowInDays"),
	})
	if hasCode(err, "KMSInvalidStateException") {
		if _, read := c.describeKey(ctx, id); isGone(read) {
			return nil
		}
	}
	if err != nil {
		return unlessGone(err, "NotFoundException")
	}
	return until(ctx, id+" is scheduled for deletion", func() (bool, error) {
		_, err := c.describeKey(ctx, id)
		if isGone(err) {
			return true, nil
		}
		return false, err
	})
}
