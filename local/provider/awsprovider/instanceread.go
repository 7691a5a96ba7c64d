package awsprovider

import (
	"context"
	"crypto/sha1" // the form in which the real provider stores user data
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) describeInstance(ctx context.Context, id string) (types.Instance, error) {
	out, err := c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return types.Instance{}, gone(err, "InvalidInstanceID.NotFound")
	}
	reservation, err := first(out.Reservations)
	if err != nil {
		return types.Instance{}, err
	}
	instance, err := first(reservation.Instances)
	if err == nil && instanceState(instance) == types.InstanceStateNameTerminated {
		err = provider.ErrGone
	}
	return instance, err
}

func instanceState(instance types.Instance) types.InstanceStateName {
	if instance.State == nil {
		return ""
	}
	return instance.State.Name
}

// untilInstance waits until the instance is in one of these states, as long as it is on the way there.
func (c *clients) untilInstance(ctx context.Context, id string, wanted ...types.InstanceStateName) error {
	passing := []types.InstanceStateName{
		types.InstanceStateNamePending, types.InstanceStateNameStopping, types.InstanceStateNameRunning,
		types.InstanceStateNameStopped,
	}
	return until(ctx, fmt.Sprintf("%s is %v", id, wanted), func() (bool, error) {
		instance, err := c.describeInstance(ctx, id)
		if err != nil {
			return false, fmt.Errorf("wait until %s is %v: %w", id, wanted, err)
		}
		state := instanceState(instance)
		if !slices.Contains(passing, state) {
			reason := types.StateReason{}
			if instance.StateReason != nil {
				reason = *instance.StateReason
			}
			return false, fmt.Errorf("wait until %s is %v: it is %s: %s", id, wanted, state, aws.ToString(reason.Message))
		}
		return slices.Contains(wanted, state), nil
	})
}

func (c *clients) readInstance(ctx context.Context, id string, _ provider.Values) (provider.Values, error) {
	instance, err := c.describeInstance(ctx, id)
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"ami": instance.ImageId, "instanceType": instance.InstanceType, "subnetId": instance.SubnetId,
		"privateIp": instance.PrivateIpAddress, "privateDns": aws.ToString(instance.PrivateDnsName),
		"publicIp": aws.ToString(instance.PublicIpAddress), "publicDns": aws.ToString(instance.PublicDnsName),
		"instanceState": instanceState(instance), "arn": c.arn("ec2", "instance/"+id), "tags": fromEC2Tags(instance.Tags),
		"iamInstanceProfile": "",
	}
	if instance.Placement != nil {
		out["availabilityZone"] = instance.Placement.AvailabilityZone
	}
	if instance.IamInstanceProfile != nil {
		profile := aws.ToString(instance.IamInstanceProfile.Arn)
		out["iamInstanceProfile"] = profile[strings.LastIndex(profile, "/")+1:]
	}
	if options := instance.MetadataOptions; options != nil {
		out["metadataOptions"] = provider.Values{
			"httpEndpoint": options.HttpEndpoint, "httpTokens": options.HttpTokens,
			"httpProtocolIpv6": options.HttpProtocolIpv6, "instanceMetadataTags": options.InstanceMetadataTags,
			"httpPutResponseHopLimit": options.HttpPutResponseHopLimit,
		}
	}
	readInterface(instance, out)
	if err := c.readRootVolume(ctx, instance, out); err != nil {
		return nil, err
	}
	return out, c.readUserData(ctx, id, out)
}

// readInterface adds the properties of the instance's first network interface.
func readInterface(instance types.Instance, out provider.Values) {
	groups := []string{}
	for _, group := range instance.SecurityGroups {
		groups = append(groups, aws.ToString(group.GroupId))
	}
	out["vpcSecurityGroupIds"] = groups
	for _, card := range instance.NetworkInterfaces {
		if card.Attachment == nil || aws.ToInt32(card.Attachment.DeviceIndex) != 0 {
			continue
		}
		addresses := []string{}
		for _, address := range card.Ipv6Addresses {
			addresses = append(addresses, aws.ToString(address.Ipv6Address))
		}
		out["primaryNetworkInterfaceId"] = card.NetworkInterfaceId
		out["ipv6Addresses"], out["ipv6AddressCount"] = addresses, len(addresses)
	}
}

// rootMapping returns the attachment of the root volume; its volume id is empty if there is none.
func rootMapping(instance types.Instance) types.EbsInstanceBlockDevice {
	for _, mapping := range instance.BlockDeviceMappings {
		if mapping.Ebs != nil && aws.ToString(mapping.DeviceName) == aws.ToString(instance.RootDeviceName) {
			return *mapping.Ebs
		}
	}
	return types.EbsInstanceBlockDevice{}
}

func (c *clients) readRootVolume(ctx context.Context, instance types.Instance, out provider.Values) error {
	mapping := rootMapping(instance)
	if mapping.VolumeId == nil {
		return nil
	}
	volume, err := c.describeVolume(ctx, *mapping.VolumeId)
	if err != nil {
		return err
	}
	out["rootBlockDevice"] = provider.Values{
		"volumeSize": volume.Size, "volumeType": volume.VolumeType, "encrypted": aws.ToBool(volume.Encrypted),
		"deviceName": instance.RootDeviceName, "volumeId": volume.VolumeId, "tags": fromEC2Tags(volume.Tags),
	}
	return nil
}

// readUserData adds the user data, which is stored as the SHA-1 of the text.
func (c *clients) readUserData(ctx context.Context, id string, out provider.Values) error {
	data, err := c.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
		InstanceId: &id, Attribute: types.InstanceAttributeNameUserData,
	})
	if err != nil {
		return err
	}
	if data.UserData != nil && aws.ToString(data.UserData.Value) != "" {
		text, err := base64.StdEncoding.DecodeString(*data.UserData.Value)
		if err != nil {
			return fmt.Errorf("read user data of %s: %w", id, err)
		}
		out["userData"] = userDataSum(text)
	}
	return nil
}

func userDataSum(text []byte) string {
	sum := sha1.Sum(text)
	return hex.EncodeToString(sum[:])
}
