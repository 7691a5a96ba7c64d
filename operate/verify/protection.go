package verify

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"webstack/contract"
	"webstack/operate"
)

var protectionChecks = []check{
	{phase: 9, name: "protection.volume", looked: "the data volume outlives the host", run: checkVolume},
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
	if len(answer.Volumes) != 1 {
		return []finding{failed("", w.again(), "there are %d volumes with the stack's tag, not 1", len(answer.Volumes))}, nil
	}
	volume := answer.Volumes[0]
	id := aws.ToString(volume.VolumeId)
	host, err := w.host(ctx)
	if err != nil {
		return nil, err
	}
	switch {
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
	return []finding{passed("", "%s, %d GiB, encrypted, stays when the host goes", id, aws.ToInt32(volume.Size))}, nil
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
			"aws kms enable-key --region %[1]s --key-id %[2]s", w.region, id), "%s is to be deleted on %s", id,
			day(aws.ToTime(key.DeletionDate)))}, nil
	default:
		return []finding{failed("", "aws kms enable-key --region "+w.region+" --key-id "+id, "%s is %s", id, key.KeyState)}, nil
	}
	rotation, err := w.kms.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: key.KeyId})
	if err != nil {
		return nil, operate.Explain("ask for the rotation of the key "+alias, err)
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
