package awsprovider

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) volume() provider.Type {
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"availabilityZone": {Required: true, Replace: true},
			"size":             {Computed: true},
			"type":             {Computed: true},
			"encrypted":        {Computed: true, Replace: true},
			"finalSnapshot":    {Default: false, InputOnly: true},
			"arn":              {Output: true},
			"createTime":       {Output: true},
		}),
		Validate: func(in provider.Values) []string { return oneNeeded(in, "size") },
		Create:   c.createVolume,
		Read:     c.readVolume,
		Update:   c.updateVolume,
		Delete:   c.deleteVolume,
	}
}

func (c *clients) createVolume(ctx context.Context, in provider.Values) (string, error) {
	out, err := c.ec2.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: optional(in, "availabilityZone"), Size: optionalInt(in, "size"),
		VolumeType: types.VolumeType(in.Str("type")), Encrypted: optionalBool(in, "encrypted"),
		TagSpecifications: ec2TagSpec(types.ResourceTypeVolume, in),
	})
	if err != nil {
		return "", err
	}
	id := aws.ToString(out.VolumeId)
	return id, c.untilVolumeUsable(ctx, id)
}

// untilVolumeUsable waits until nothing is being done to the volume.
func (c *clients) untilVolumeUsable(ctx context.Context, id string) error {
	return until(ctx, id+" is usable", func() (bool, error) {
		volume, err := c.describeVolume(ctx, id)
		if err == nil && volume.State == types.VolumeStateError {
			err = fmt.Errorf("wait until %s is usable: it is in state error", id)
		}
		return volume.State == types.VolumeStateAvailable || volume.State == types.VolumeStateInUse, err
	})
}

func (c *clients) updateVolume(ctx context.Context, change provider.Change) error {
	if change.Changed("size", "type") {
		in := change.New
		_, err := c.ec2.ModifyVolume(ctx, &ec2.ModifyVolumeInput{
			VolumeId: &change.ID, Size: optionalInt(in, "size"), VolumeType: types.VolumeType(in.Str("type")),
		})
		if err != nil {
			return err
		}
		if err := c.untilVolumeUsable(ctx, change.ID); err != nil {
			return err
		}
	}
	return c.retagEC2(ctx, change)
}

func (c *clients) describeVolume(ctx context.Context, id string) (types.Volume, error) {
	out, err := c.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
	if err != nil {
		return types.Volume{}, gone(err, "InvalidVolume.NotFound")
	}
	volume, err := first(out.Volumes)
	if err == nil && volume.State == types.VolumeStateDeleted {
		err = provider.ErrGone
	}
	return volume, err
}

func (c *clients) readVolume(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	volume, err := c.describeVolume(ctx, id)
	if err != nil {
		return nil, err
	}
	return provider.Values{
		"availabilityZone": volume.AvailabilityZone, "size": volume.Size, "type": volume.VolumeType,
		"encrypted": aws.ToBool(volume.Encrypted), "arn": c.arn("ec2", "volume/"+id), "tags": fromEC2Tags(volume.Tags),
		"createTime": aws.ToTime(volume.CreateTime).Format(time.RFC3339),
	}, nil
}

func (c *clients) deleteVolume(ctx context.Context, id string, state provider.Values) error {
	if state.Bool("finalSnapshot") {
		if err := c.snapshotVolume(ctx, id, state); err != nil {
			return unlessGone(err, "InvalidVolume.NotFound")
		}
	}
	return deleted(ctx, id, func() error {
		_, err := c.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &id})
		return err
	}, c.describeVolume, "InvalidVolume.NotFound")
}

// snapshotVolume makes a snapshot of a volume that is about to be deleted, with the volume's tags.
func (c *clients) snapshotVolume(ctx context.Context, id string, state provider.Values) error {
	snapshot, err := c.ec2.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
		VolumeId: &id, TagSpecifications: ec2TagSpec(types.ResourceTypeSnapshot, state),
	})
	if err != nil {
		return err
	}
	snapshotID := aws.ToString(snapshot.SnapshotId)
	return untilState(ctx, snapshotID, types.SnapshotStateCompleted, func() (types.SnapshotState, error) {
		out, err := c.ec2.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{snapshotID}})
		if err != nil {
			return "", err
		}
		found, err := first(out.Snapshots)
		return found.State, err
	}, types.SnapshotStateError)
}
