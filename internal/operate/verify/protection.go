package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"webstack/contract"
	"webstack/internal/operate"
)

var protectionChecks = []check{
	{phase: 9, name: "protection.volume", looked: "the data volume, which outlives the host", run: checkVolume},
	{phase: 9, name: "protection.mount", looked: "the data is on the data volume", run: checkMount},
	{phase: 9, name: "protection.key", looked: "the key of the secrets", run: checkKey},
	{phase: 9, name: "protection.database", looked: "deletion protection of the database", when: external,
		run: checkDeletionProtection},
}

func checkVolume(ctx context.Context, w *world) ([]finding, error) {
	answer, err := w.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []ec2types.Filter{
		filter("tag:"+contract.TagStack, contract.StackTagValue(w.project, w.stack)),
	}})
	if err != nil {
		return nil, operate.Explain("look for the data volume", err)
	}
	host, err := w.host(ctx)
	if err != nil {
		return nil, err
	}
	volume, others := dataVolume(answer.Volumes, host.InstanceID)
	id := aws.ToString(volume.VolumeId)
	switch {
	case id == "":
		return []finding{failed("", w.again(), "there is no volume with the stack's tag")}, nil
	case !aws.ToBool(volume.Encrypted):
		return []finding{failed("", "move the data to an encrypted volume: snapshot, encrypted copy, new volume",
			"%s is not encrypted", id)}, nil
	case len(volume.Attachments) != 1 || aws.ToString(volume.Attachments[0].InstanceId) != host.InstanceID:
		return []finding{failed("", w.again(), "%s is not attached to %s", id, host.InstanceID)}, nil
	case aws.ToBool(volume.Attachments[0].DeleteOnTermination):
		return []finding{failed("", fmt.Sprintf("aws ec2 modify-instance-attribute --region %s --instance-id %s "+
			`--block-device-mappings '[{"DeviceName":"%s","Ebs":{"DeleteOnTermination":false}}]'`, w.region, host.InstanceID,
			aws.ToString(volume.Attachments[0].Device)), "%s would be deleted with the host", id)}, nil
	}
	out := []finding{passed("", "%s, %d GiB, encrypted, stays when the host is deleted", id, aws.ToInt32(volume.Size))}
	for _, other := range others {
		out = append(out, w.leftVolume(other))
	}
	return out, nil
}

// dataVolume picks the host's data volume among those with the stack's tag: a destroyed stack leaves its volume.
func dataVolume(volumes []ec2types.Volume, instance string) (ours ec2types.Volume, others []ec2types.Volume) {
	at := slices.IndexFunc(volumes, func(v ec2types.Volume) bool {
		return slices.ContainsFunc(v.Attachments, func(a ec2types.VolumeAttachment) bool {
			return aws.ToString(a.InstanceId) == instance
		})
	})
	switch {
	case len(volumes) == 0:
		return ours, nil
	case at < 0:
		at = 0
	}
	return volumes[at], slices.Delete(slices.Clone(volumes), at, at+1)
}

// leftVolume reports the data volume of an earlier, destroyed stack of this name.
func (w *world) leftVolume(volume ec2types.Volume) finding {
	id := aws.ToString(volume.VolumeId)
	return passed(id, "left by an earlier stack of this name; if nobody needs its data: aws ec2 delete-volume --region %s "+
		"--volume-id %s", w.region, id)
}

func checkMount(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	if !status.DataMounted {
		return []finding{failed("", "webstack shell, then: systemctl status webstack-data; lsblk",
			"nothing is mounted on %s", contract.DataDir)}, nil
	}
	return []finding{passed("", "mounted on %s", contract.DataDir)}, nil
}

func checkKey(ctx context.Context, w *world) ([]finding, error) {
	alias := contract.SecretsAlias(w.project, w.stack)
	answer, err := w.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &alias})
	if operate.HasCode(err, "NotFoundException") {
		return []finding{failed("", w.again(), "there is no key %s", alias)}, nil
	}
	if err != nil {
		return nil, operate.Explain("look at the key "+alias, err)
	}
	key := answer.KeyMetadata
	id := aws.ToString(key.KeyId)
	switch key.KeyState {
	case kmstypes.KeyStateEnabled:
	case kmstypes.KeyStatePendingDeletion:
		return []finding{failed("", fmt.Sprintf("at once: aws kms cancel-key-deletion --region %[1]s --key-id %[2]s && "+
			"aws kms enable-key --region %[1]s --key-id %[2]s", w.region, id), "%s will be deleted on %s", id,
			day(aws.ToTime(key.DeletionDate)))}, nil
	default:
		return []finding{failed("", "aws kms enable-key --region "+w.region+" --key-id "+id, "%s is %s", id, key.KeyState)}, nil
	}
	rotation, err := w.kms.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: key.KeyId})
	if err != nil {
		return nil, operate.Explain("read the rotation of the key "+alias, err)
	}
	if !rotation.KeyRotationEnabled {
		return []finding{failed("", w.again(), "%s is not rotated", id)}, nil
	}
	return []finding{passed("", "%s is enabled and rotated", id)}, nil
}

func checkDeletionProtection(ctx context.Context, w *world) ([]finding, error) {
	instance, err := w.rdsInstance(ctx)
	if err != nil {
		return nil, err
	}
	if !aws.ToBool(instance.DeletionProtection) {
		return []finding{failed("", w.again(), "%s can be deleted", w.database())}, nil
	}
	return []finding{passed("", "%s cannot be deleted", w.database())}, nil
}
