package awsprovider

import (
	"context"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// updateInstance applies the changes, one API call after the other, in the real provider's order.
func (c *clients) updateInstance(ctx context.Context, change provider.Change) error {
	steps := []struct {
		on  string
		set func(context.Context, provider.Change) error
	}{
		{"rootBlockDevice", c.retagRootVolume},
		{"iamInstanceProfile", c.setInstanceProfile},
		{"ipv6AddressCount", c.setIpv6AddressCount},
		{"vpcSecurityGroupIds", c.setInstanceGroups},
		{"instanceType", c.setInstanceType},
		{"userData", c.setUserData},
		{"creditSpecification", c.setCredits},
		{"metadataOptions", c.setMetadataOptions},
		{"rootBlockDevice", c.setRootVolume},
	}
	for _, step := range steps {
		if !change.Changed(step.on) || !change.New.Has(step.on) {
			continue
		}
		if err := step.set(ctx, change); err != nil {
			return err
		}
	}
	return c.retagEC2(ctx, change)
}

// modifyInstance changes one attribute of the instance.
func (c *clients) modifyInstance(ctx context.Context, id string, attribute ec2.ModifyInstanceAttributeInput) error {
	attribute.InstanceId = &id
	_, err := c.ec2.ModifyInstanceAttribute(ctx, &attribute)
	return err
}

func (c *clients) setInstanceGroups(ctx context.Context, change provider.Change) error {
	return c.modifyInstance(ctx, change.ID, ec2.ModifyInstanceAttributeInput{
		Groups: change.New.Strs("vpcSecurityGroupIds"),
	})
}

func (c *clients) setInstanceType(ctx context.Context, change provider.Change) error {
	if change.Old.Str("instanceType") == change.New.Str("instanceType") {
		return nil
	}
	return c.whileStopped(ctx, change.ID, func() error {
		return c.modifyInstance(ctx, change.ID, ec2.ModifyInstanceAttributeInput{
			InstanceType: &types.AttributeValue{Value: optional(change.New, "instanceType")},
		})
	})
}

// setUserData compares with what is stored: the SHA-1, or the text itself after a creation that failed half way.
func (c *clients) setUserData(ctx context.Context, change provider.Change) error {
	old, text := change.Old.Str("userData"), change.New.Str("userData")
	if old == text || old == userDataSum([]byte(text)) {
		return nil
	}
	return c.whileStopped(ctx, change.ID, func() error {
		return c.modifyInstance(ctx, change.ID, ec2.ModifyInstanceAttributeInput{
			Attribute: types.InstanceAttributeNameUserData,
			Value:     aws.String(base64.StdEncoding.EncodeToString([]byte(text))),
		})
	})
}

// whileStopped stops the instance, does what only a stopped instance allows, and starts it again.
func (c *clients) whileStopped(ctx context.Context, id string, do func() error) error {
	if err := c.stopInstance(ctx, id); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if _, err := c.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
		return err
	}
	return c.untilInstance(ctx, id, types.InstanceStateNameRunning)
}

func (c *clients) stopInstance(ctx context.Context, id string) error {
	if _, err := c.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
		return err
	}
	return c.untilInstance(ctx, id, types.InstanceStateNameStopped)
}

// setInstanceProfile replaces, sets or removes the instance's profile.
func (c *clients) setInstanceProfile(ctx context.Context, change provider.Change) error {
	found, err := c.ec2.DescribeIamInstanceProfileAssociations(ctx, &ec2.DescribeIamInstanceProfileAssociationsInput{
		Filters: ec2Filters("instance-id", change.ID),
	})
	if err != nil {
		return err
	}
	profile := optional(change.New, "iamInstanceProfile")
	specification := &types.IamInstanceProfileSpecification{Name: profile}
	current, err := first(found.IamInstanceProfileAssociations)
	switch {
	case err != nil && profile == nil:
		return nil
	case err != nil:
		_, err = c.ec2.AssociateIamInstanceProfile(ctx, &ec2.AssociateIamInstanceProfileInput{
			InstanceId: &change.ID, IamInstanceProfile: specification,
		})
	case profile == nil:
		_, err = c.ec2.DisassociateIamInstanceProfile(ctx, &ec2.DisassociateIamInstanceProfileInput{
			AssociationId: current.AssociationId,
		})
	default:
		_, err = c.ec2.ReplaceIamInstanceProfileAssociation(ctx, &ec2.ReplaceIamInstanceProfileAssociationInput{
			AssociationId: current.AssociationId, IamInstanceProfile: specification,
		})
	}
	return err
}

func (c *clients) setIpv6AddressCount(ctx context.Context, change provider.Change) error {
	instance, err := c.describeInstance(ctx, change.ID)
	if err != nil {
		return err
	}
	now := provider.Values{}
	readInterface(instance, now)
	card, _ := now["primaryNetworkInterfaceId"].(*string)
	have, _ := now["ipv6Addresses"].([]string)
	switch wanted := change.New.Int("ipv6AddressCount"); {
	case wanted > len(have):
		_, err := c.ec2.AssignIpv6Addresses(ctx, &ec2.AssignIpv6AddressesInput{
			NetworkInterfaceId: card, Ipv6AddressCount: aws.Int32(int32(wanted - len(have))),
		})
		return err
	case wanted < len(have):
		_, err := c.ec2.UnassignIpv6Addresses(ctx, &ec2.UnassignIpv6AddressesInput{
			NetworkInterfaceId: card, Ipv6Addresses: have[wanted:],
		})
		return err
	default:
		return nil
	}
}

func (c *clients) setCredits(ctx context.Context, change provider.Change) error {
	_, err := c.ec2.ModifyInstanceCreditSpecification(ctx, &ec2.ModifyInstanceCreditSpecificationInput{
		InstanceCreditSpecifications: []types.InstanceCreditSpecificationRequest{{
			InstanceId: &change.ID, CpuCredits: optional(change.New.Object("creditSpecification"), "cpuCredits"),
		}},
	})
	return err
}

func (c *clients) setMetadataOptions(ctx context.Context, change provider.Change) error {
	options := change.New.Object("metadataOptions")
	_, err := c.ec2.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{
		InstanceId:              &change.ID,
		HttpEndpoint:            types.InstanceMetadataEndpointState(options.Str("httpEndpoint")),
		HttpTokens:              types.HttpTokensState(options.Str("httpTokens")),
		HttpProtocolIpv6:        types.InstanceMetadataProtocolState(options.Str("httpProtocolIpv6")),
		InstanceMetadataTags:    types.InstanceMetadataTagsState(options.Str("instanceMetadataTags")),
		HttpPutResponseHopLimit: optionalInt(options, "httpPutResponseHopLimit"),
	})
	return err
}

// setRootVolume changes size and kind of the root volume.
func (c *clients) setRootVolume(ctx context.Context, change provider.Change) error {
	old, root := change.Old.Object("rootBlockDevice"), change.New.Object("rootBlockDevice")
	differs := func(key string) bool { return root.Has(key) && root[key] != old[key] }
	if !differs("volumeSize") && !differs("volumeType") {
		return nil
	}
	volume := old.Str("volumeId")
	_, err := c.ec2.ModifyVolume(ctx, &ec2.ModifyVolumeInput{
		VolumeId: &volume, Size: optionalInt(root, "volumeSize"), VolumeType: types.VolumeType(root.Str("volumeType")),
	})
	if err != nil {
		return err
	}
	return c.untilVolumeUsable(ctx, volume)
}

func (c *clients) retagRootVolume(ctx context.Context, change provider.Change) error {
	old, root := change.Old.Object("rootBlockDevice"), change.New.Object("rootBlockDevice")
	if root["tags"] == nil {
		return nil
	}
	return c.setEC2Tags(ctx, old.Str("volumeId"), old.StrMap("tags"), root.StrMap("tags"))
}
