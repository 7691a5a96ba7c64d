package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) volumeAttachment() provider.Type {
	return provider.Type{
		Props: map[string]provider.Prop{
			"deviceName":                  {Required: true, Replace: true},
			"instanceId":                  {Required: true, Replace: true},
			"volumeId":                    {Required: true, Replace: true},
			"stopInstanceBeforeDetaching": {InputOnly: true},
		},
		Create: c.createVolumeAttachment,
		Read:   c.readVolumeAttachment,
		Update: func(context.Context, provider.Change) error { return nil }, // only what matters at deletion
		Delete: c.deleteVolumeAttachment,
		Import: importVolumeAttachment,
	}
}

// attachmentID returns the id of an attachment; AWS itself has none.
func attachmentID(device, instance, volume string) string {
	return fmt.Sprintf("vai-%d", crc32.ChecksumIEEE([]byte(device+"-"+instance+"-"+volume+"-")))
}

func (c *clients) createVolumeAttachment(ctx context.Context, in provider.Values) (string, error) {
	device, instance, volume := in.Str("deviceName"), in.Str("instanceId"), in.Str("volumeId")
	id := attachmentID(device, instance, volume)
	if _, err := c.findAttachment(ctx, in); err == nil {
		return id, nil // attached there already
	} else if !isGone(err) {
		return "", err
	}
	if err := c.untilInstance(ctx, instance, types.InstanceStateNameRunning, types.InstanceStateNameStopped); err != nil {
		return "", err
	}
	_, err := c.ec2.AttachVolume(ctx, &ec2.AttachVolumeInput{Device: &device, InstanceId: &instance, VolumeId: &volume})
	if err != nil {
		return "", err
	}
	return id, untilState(ctx, volume, types.VolumeAttachmentStateAttached, func() (types.VolumeAttachmentState, error) {
		attachment, err := c.findAttachment(ctx, in)
		return attachment.State, err
	})
}

// findAttachment finds the attachment of the known volume to the known instance.
func (c *clients) findAttachment(ctx context.Context, known provider.Values) (types.VolumeAttachment, error) {
	volume, err := c.describeVolume(ctx, known.Str("volumeId"))
	if err != nil {
		return types.VolumeAttachment{}, err
	}
	for _, attachment := range volume.Attachments {
		if aws.ToString(attachment.InstanceId) == known.Str("instanceId") &&
			aws.ToString(attachment.Device) == known.Str("deviceName") &&
			attachment.State != types.VolumeAttachmentStateDetached {
			return attachment, nil
		}
	}
	return types.VolumeAttachment{}, provider.ErrGone
}

func (c *clients) readVolumeAttachment(
	ctx context.Context, _ string, known provider.Values,
) (provider.Values, error) {
	attachment, err := c.findAttachment(ctx, known)
	if err != nil {
		return nil, err
	}
	return provider.Values{
		"deviceName": attachment.Device, "instanceId": attachment.InstanceId, "volumeId": attachment.VolumeId,
	}, nil
}

func (c *clients) deleteVolumeAttachment(ctx context.Context, _ string, state provider.Values) error {
	if _, err := c.findAttachment(ctx, state); err != nil {
		if isGone(err) {
			return nil
		}
		return err
	}
	if state.Bool("stopInstanceBeforeDetaching") {
		if err := c.stopInstance(ctx, state.Str("instanceId")); err != nil {
			return err
		}
	}
	_, err := c.ec2.DetachVolume(ctx, &ec2.DetachVolumeInput{
		Device: optional(state, "deviceName"), InstanceId: optional(state, "instanceId"),
		VolumeId: optional(state, "volumeId"),
	})
	if err := unlessGone(err, "IncorrectState", "InvalidAttachment.NotFound", "InvalidVolume.NotFound"); err != nil {
		return err
	}
	return until(ctx, state.Str("volumeId")+" is detached", func() (bool, error) {
		_, err := c.findAttachment(ctx, state)
		if isGone(err) {
			return true, nil
		}
		return false, err
	})
}

// importVolumeAttachment takes "<device>:<volume id>:<instance id>".
func importVolumeAttachment(_ context.Context, id string) (string, provider.Values, error) {
	parts := strings.Split(id, ":")
	if len(parts) != 3 {
		return "", nil, errors.New("import a volume attachment by <device>:<volume id>:<instance id>")
	}
	device, volume, instance := parts[0], parts[1], parts[2]
	return attachmentID(device, instance, volume), provider.Values{
		"deviceName": device, "instanceId": instance, "volumeId": volume,
	}, nil
}
